"""Inverted index: exact search of sparse vectors, their weights turned into scores by a similarity."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels import inverted, postings
from ir_bench.kernels.queries import batches, numbers_in, renumber
from ir_bench.protocols import Similarity
from ir_bench.scoring import require_depth
from ir_bench.shards import write_arrays
from ir_bench.types import Hits, Match, Sparse, Strings

GROUP = 128  # accumulators compared with the threshold at once
QUERIES = 256  # searched in one compiled call
POSTINGS = 1 << 22  # weighted at once
# At these depths each term's best impacts are remembered: what a retriever asks for 10, 100 or 1000 hits, which looks
# a little deeper for ties.
DEPTHS = np.array([11, 107, 1063])


@dataclass
class InvertedIndex:
    """Postings by term, sorted by document, with their impacts computed at build time.

    A document is a hit if it shares a term with the query; a weight of 0 counts as absent. Its score is the sum over
    those terms, added up in ascending order of their numbers in the accumulators' precision and rounded to float32
    once, so it does not depend on the batch or the number of threads. `statistics` tells the work of the last search.
    `storage`: "narrow" keeps impacts that are all whole numbers up to 255 in one byte (`impact_quantize` makes such)
    and those that float16 holds exactly in two, instead of four bytes: equal scores, less memory, some 5 % slower.

    Raises InputError for weights that are not finite or that the similarity cannot take, for a document that names
    a term twice, and for a search before build or load.
    """

    accepts: ClassVar[type] = Sparse

    similarity: Similarity
    accumulators: Literal["float64", "float32"] = field(default="float64", metadata={"changes_documents": False})
    block: int = field(default=32768, metadata={"changes_results": False})
    threads: int = field(default=1, metadata={"changes_results": False})
    storage: Literal["float32", "narrow"] = field(default="float32", metadata={"changes_results": False})
    statistics: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)
    _arrays: dict[str, NDArray[Any]] | None = field(default=None, init=False, repr=False, compare=False)
    _numbers: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def build(self, documents: Sparse) -> None:
        if not np.isfinite(documents.weights.sum(dtype=np.float64)):
            raise InputError(
                "document vectors have NaN or infinite weights", "finite numbers", "check the encoder and its precision"
            )
        if self.similarity.takes_counts and len(documents.weights) and documents.weights.min() < 0:
            raise InputError(
                f"{type(self.similarity).__name__} got negative term weights",
                "counts of terms",
                "use similarity=dot for learned weights",
            )
        starts, rows, weights, repeated = postings.invert(
            _plain(documents.terms), _plain(documents.weights), _plain(documents.offsets), len(documents.vocabulary)
        )
        if repeated >= 0:
            raise InputError(f"document {repeated} names a term twice", "each term once, with its whole weight")
        lengths = postings.totals(_plain(documents.weights), _plain(documents.offsets))
        term_weights = self.similarity.term_weights(np.diff(starts), lengths)
        norms = self.similarity.length_norms(lengths)
        impacts = self._impacts(starts, rows, weights, term_weights, norms)
        self._ready(
            {
                "starts": starts,
                "rows": rows,
                "impacts": impacts,
                "term_weights": term_weights,
                "absent": np.asarray(self.similarity.absent(term_weights), np.float64),
                "best": postings.best_impacts(starts, impacts, DEPTHS),
                "least": postings.least_impacts(starts, impacts),
                "documents": np.array([len(documents)]),
                "vocabulary.data": documents.vocabulary.data,
                "vocabulary.bounds": documents.vocabulary.bounds,
                **({} if self.similarity.scales else {"weights": _narrow(weights), "norms": norms}),
            }
        )

    def save(self, folder: Path) -> None:
        write_arrays(folder, self._built())

    def load(self, folder: Path) -> None:
        self._ready(
            {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in sorted(folder.glob("*.npy"))}
        )
        cost.note("index_bytes", sum(array.nbytes for array in self._built().values()))
        cost.note("postings", int(self._built()["starts"][-1]))

    def search(self, queries: Sparse, k: int) -> Hits:
        require_depth(k)
        if not np.isfinite(queries.weights).all():
            raise InputError("query vectors have NaN or infinite weights", "finite numbers", "check the encoder")
        built = self._built()
        k = min(k, int(built["documents"][0]))
        table = self._table(queries.vocabulary)
        mapped = len(table) > 0
        terms, weights, offsets = renumber(
            _plain(queries.terms), _plain(queries.weights), _plain(queries.offsets), table, mapped, built["starts"]
        )
        anew = self._inexact(weights)
        rows = np.full((len(queries), k), -1, np.int64)
        scores = np.full((len(queries), k), -np.inf, np.float32)

        def run(batch: tuple[int, int]) -> NDArray[np.int64]:
            begin, end = batch
            some = slice(offsets[begin], offsets[end])
            lists = offsets[begin : end + 1] - offsets[begin]
            return self._search(terms[some], weights[some], anew[some], lists, k, rows[begin:end], scores[begin:end])

        costs = np.zeros(len(queries), np.int64)
        if anew.any():
            again = np.where(anew, built["starts"][terms + 1] - built["starts"][terms], 0)
            costs = np.diff(np.append(0, np.cumsum(again))[offsets])
        share = -(-len(queries) // (4 * self.threads)) if self.threads > 1 else QUERIES
        parts = batches(costs, max(1, min(share, QUERIES)), POSTINGS)
        if self.threads > 1:
            with ThreadPoolExecutor(self.threads) as pool:
                work = list(pool.map(run, parts))
        else:
            work = [run(part) for part in parts]
        done = np.sum([np.zeros(3, np.int64), *work], axis=0)
        names = ("postings_read", "documents_matched", "documents_compared")
        self.statistics = dict(zip(names, done.tolist(), strict=True))
        for name, amount in self.statistics.items():
            cost.note(name, amount)
        return Hits(rows, scores)

    def explain(self, query: Sparse, rows: Sequence[int]) -> list[list[Match]]:
        """What each query term adds to the score of each row, largest first: the sum is the score that search gives.

        Terms that a document lacks are left out, but for similarities that give every document something for them.
        """
        built = self._built()
        table = self._table(query.vocabulary)
        terms, weights, _ = renumber(
            _plain(query.terms), _plain(query.weights), _plain(query.offsets), table, len(table) > 0, built["starts"]
        )
        sources, others = self._impacts_anew(terms, weights, anew := self._inexact(weights))
        names = Strings(built["vocabulary.data"], built["vocabulary.bounds"])
        counts = built.get("weights")
        found: list[list[Match]] = []
        for row in rows:
            matches, shared = [], False
            for i, term in enumerate(terms.tolist()):
                start, stop = built["starts"][term : term + 2].tolist()
                at = start + int(np.searchsorted(built["rows"][start:stop], row))
                here = bool(at < stop and built["rows"][at] == row)
                impact = float(built["absent"][term]) + (float(built["impacts"][at]) if here else 0.0)
                score = float(others[sources[i] + at - start]) if here and anew[i] else float(weights[i]) * impact
                if here or score:
                    weight = float(counts[at]) if counts is not None and here else impact
                    matches.append(Match(names[term], float(weights[i]), weight, score))
                shared |= here
            found.append(sorted(matches, key=lambda match: -match.score) if shared else [])
        return found

    def _search(
        self,
        terms: NDArray[np.int64],
        weights: NDArray[np.float64],
        anew: NDArray[np.bool_],
        lists: NDArray[np.int64],
        k: int,
        rows: NDArray[np.int64],
        scores: NDArray[np.float32],
    ) -> NDArray[np.int64]:
        """Search one batch: list i has terms[i]; fills `rows` and `scores` and returns the work."""
        built = self._built()
        documents = int(built["documents"][0])
        sources, others = self._impacts_anew(terms, weights, anew)
        level = int(np.searchsorted(DEPTHS, k)) if k <= DEPTHS[-1] else -1
        accumulators = np.zeros(min(self.block, documents), self.accumulators)
        bits = accumulators.view(np.int64 if self.accumulators == "float64" else np.int32)
        work = np.zeros(3, np.int64)
        inverted.search(
            *(lists, terms, weights, sources, built["starts"], built["rows"], _bits(built["impacts"]), others),
            *(built["absent"], built["least"], built["best"], level, documents, k, GROUP),
            *(accumulators, bits, rows, scores, work),
        )
        return work

    def _table(self, vocabulary: Strings) -> NDArray[np.int64]:
        """This index's number of each term of another vocabulary, -1 if unknown; empty if the two are the same."""
        built = self._built()
        own = Strings(built["vocabulary.data"], built["vocabulary.bounds"])
        return numbers_in(own, vocabulary, self._numbers)

    def _inexact(self, weights: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which query weights must not simply multiply stored impacts; powers of two do so without rounding."""
        inexact = (weights != 1) & (not self.similarity.scales)
        inexact[inexact] = np.frexp(weights[inexact])[0] != 0.5
        return inexact

    def _impacts_anew(
        self, terms: NDArray[np.int64], weights: NDArray[np.float64], anew: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The impacts of the lists marked `anew`, and where those of each begin [lists]; -1 for the other lists."""
        built = self._built()
        sources = np.full(len(terms), -1, np.int64)
        made, begin = [np.zeros(0, np.float32)], 0
        for i in np.flatnonzero(anew).tolist():
            span = slice(built["starts"][terms[i]], built["starts"][terms[i] + 1])
            weight = np.float32(weights[i]) * built["term_weights"][terms[i]]
            norms = built["norms"][built["rows"][span]]
            made.append(self.similarity.impacts(weight, built["weights"][span].astype(np.float32), norms))
            sources[i] = begin
            begin += len(norms)
        return sources, np.concatenate(made).astype(np.float32)

    def _impacts(
        self,
        starts: NDArray[np.int64],
        rows: NDArray[np.int32],
        weights: NDArray[np.float32],
        term_weights: NDArray[np.floating],
        norms: NDArray[np.floating],
    ) -> NDArray[np.float32]:
        impacts = np.empty(len(rows), np.float32)
        frequencies = np.diff(starts)
        term = 0
        while term < len(frequencies):  # whole terms, as many as fit
            after = max(term + 1, int(np.searchsorted(starts, starts[term] + POSTINGS, side="right")) - 1)
            some = slice(starts[term], starts[after])
            each = np.repeat(term_weights[term:after], frequencies[term:after])
            impacts[some] = self.similarity.impacts(each, weights[some], norms[rows[some]])
            term = after
        impacts += np.float32(0)  # turns -0 into +0, which the accumulators need
        return impacts

    def _ready(self, arrays: dict[str, NDArray[Any]]) -> None:
        impacts = arrays["impacts"]
        if self.storage == "narrow" and impacts.dtype == np.float32:
            arrays = {**arrays, "impacts": _exact_in_less(impacts)}
        elif self.storage == "float32":  # another index of the same key may have been saved in less
            arrays = {**arrays, "impacts": impacts.astype(np.float32, copy=False)}
        self._arrays = {name: _plain(array) for name, array in arrays.items()}
        self._numbers = {}

    def _built(self) -> dict[str, NDArray[Any]]:
        if self._arrays is None:
            raise InputError("search before build", "an index of documents", "call build or load first")
        return self._arrays


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only view, so that built and memory-mapped arrays are one type to the compiler."""
    view = np.ascontiguousarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view


def _bits(impacts: NDArray[Any]) -> NDArray[Any]:
    """float16 by its bits: the compiler has no type for it."""
    return impacts.view(np.uint16) if impacts.dtype == np.float16 else impacts


def _exact_in_less(impacts: NDArray[np.float32]) -> NDArray[Any]:
    """The same numbers in one byte or two, where that loses nothing."""
    if len(impacts) == 0 or impacts.min() < 0:
        return impacts
    if impacts.max() <= np.iinfo(np.uint8).max and (impacts == np.rint(impacts)).all():
        return impacts.astype(np.uint8)
    with np.errstate(over="ignore"):  # what float16 cannot hold becomes infinite, and differs
        half = impacts.astype(np.float16)
    return half if np.array_equal(half.astype(np.float32), impacts) else impacts


def _narrow(weights: NDArray[np.float32]) -> NDArray[Any]:
    """Whole numbers up to 65,535 in one or two bytes."""
    for kind in (np.uint8, np.uint16):
        if len(weights) == 0 or (weights.max() <= np.iinfo(kind).max and (weights == np.rint(weights)).all()):
            return weights.astype(kind)
    return weights
