"""Exact search by vectors of tokens that query and document have in common: COIL's contextualised inverted lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels.half import single
from ir_bench.scoring import best, require_depth, require_dims, require_finite
from ir_bench.shards import write_arrays
from ir_bench.types import Hits, Match, MultiVector, Strings

SPECIAL = ("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]", "<s>", "</s>", "<pad>", "<unk>", "<mask>")
SCORES = 1 << 22  # of queries and documents at once: 32 MiB


@dataclass
class ExactMatchIndex:
    """Sum over query tokens of max(0, the largest inner product with a vector of the same token in the document).

    Vectors are kept by token, those of one document together. A document is a hit if a product is above zero; a query
    token that occurs twice counts twice. Tokens in `without` are not compared. `whole` names a token ("[CLS]") whose
    inner product is added for every document that has it, whatever its sign: all such documents are hits then.
    Scores are summed in float64. Equal ones are ordered by ascending row. The work is noted as `vectors_compared`.

    Source: Gao, Dai and Callan 2021, COIL: Revisit Exact Lexical Match in Information Retrieval with Contextualized
    Inverted List, equations 2 to 4; products below zero count as zero as in its code.
    Differs: the vector of [CLS] has the dims of the others.
    Raises InputError for vectors without tokens, queries of other dims, NaN and infinite values, a `whole` that the
    documents lack, and a search before build or load.
    """

    accepts: ClassVar[type] = MultiVector

    without: Sequence[str] = SPECIAL
    whole: str | None = None
    _arrays: dict[str, NDArray[Any]] | None = field(default=None, init=False, repr=False, compare=False)

    def build(self, documents: MultiVector) -> None:
        tokens, vocabulary = _named(documents)
        require_finite(documents.values, "a vector of document", documents.offsets)
        rows = np.repeat(np.arange(len(documents), dtype=np.int32), np.diff(documents.offsets))
        order = np.argsort(tokens, kind="stable")  # of one token by row
        self._arrays = {
            "values": documents.values[order],
            "rows": rows[order],
            "starts": np.searchsorted(tokens[order], np.arange(len(vocabulary) + 1)),
            "documents": np.array([len(documents)]),
            "vocabulary.data": vocabulary.data,
            "vocabulary.bounds": vocabulary.bounds,
        }

    def save(self, folder: Path) -> None:
        write_arrays(folder, self._built())

    def load(self, folder: Path) -> None:
        self._arrays = {
            path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in sorted(folder.glob("*.npy"))
        }
        cost.note("index_bytes", sum(array.nbytes for array in self._arrays.values()))

    def search(self, queries: MultiVector, k: int) -> Hits:
        require_depth(k)
        built = self._built()
        documents = int(built["documents"][0])
        rows = np.full((len(queries), min(k, documents)), -1, np.int64)
        scores = np.full(rows.shape, -np.inf, np.float32)
        size = max(1, SCORES // max(documents, 1))
        for start in range(0, len(queries), size):
            some = slice(start, start + size)
            block = queries[some]
            sums, matched = np.zeros((len(block), documents)), np.zeros((len(block), documents), bool)
            for query, _, found, products in self._matches(block):
                sums[query, found] += products
                matched[query, found] = True
            hits = best(np.where(matched, sums, -np.inf).astype(np.float32), k)
            rows[some] = np.where(hits.scores == -np.inf, -1, hits.rows)
            scores[some] = hits.scores
        return Hits(rows, scores)

    def explain(self, query: MultiVector, rows: Sequence[int]) -> list[list[Match]]:
        """What each token of the query adds to the score of each row, largest first; one that occurs twice is there
        twice."""
        matches: list[list[Match]] = [[] for _ in rows]
        for _, name, found, products in self._matches(query):
            at = dict(zip(found.tolist(), products.tolist(), strict=True))
            for row, own in zip(rows, matches, strict=True):
                if row in at:
                    own.append(Match(name, 1.0, at[row], at[row]))
        return [sorted(own, key=lambda match: -match.score) for own in matches]

    def _matches(self, queries: MultiVector) -> Iterator[tuple[int, str, NDArray[np.int32], NDArray[np.float32]]]:
        """For each query token: its query, its name, the rows that have it, and what it adds to their scores."""
        built = self._built()
        tokens, vocabulary = _named(queries)
        require_dims(queries, built["values"].shape[1])
        require_finite(queries.values, "a vector of query", queries.offsets)
        numbers = self._numbers(vocabulary)
        owners = np.repeat(np.arange(len(queries)), np.diff(queries.offsets))
        compared = 0
        for token in np.unique(tokens).tolist():
            name, number = vocabulary[token], int(numbers[token])
            if number < 0 or (name in self.without and name != self.whole):
                continue
            span = slice(*built["starts"][number : number + 2].tolist())
            rows = built["rows"][span]
            if len(rows) == 0:
                continue
            asked = np.flatnonzero(tokens == token)
            products = single(built["values"][span]) @ single(queries.values[asked]).T  # [vectors, query tokens]
            compared += products.size
            first = np.flatnonzero(np.append(True, rows[1:] != rows[:-1]))
            largest = np.maximum.reduceat(products, first, axis=0)
            for i, query in enumerate(owners[asked].tolist()):
                added = largest[:, i]
                counts = np.ones(len(added), bool) if name == self.whole else added > 0
                yield query, name, rows[first][counts], added[counts]
        cost.note("vectors_compared", compared)

    def _numbers(self, vocabulary: Strings) -> NDArray[np.int64]:
        """The number that each term of another vocabulary has here, or -1."""
        built = self._built()
        own = Strings(built["vocabulary.data"], built["vocabulary.bounds"])
        if self.whole is not None and self.whole not in set(own):
            raise InputError(
                f"no document has the token {self.whole!r}", "a token of the vocabulary", "correct index.whole"
            )
        if np.array_equal(own.bounds, vocabulary.bounds) and np.array_equal(own.data, vocabulary.data):
            return np.arange(len(own))
        find = {term: number for number, term in enumerate(own)}.get
        return np.array([find(term, -1) for term in vocabulary], np.int64)

    def _built(self) -> dict[str, NDArray[Any]]:
        if self._arrays is None:
            raise InputError("search before build", "an index over documents", "call build or load first")
        return self._arrays


def _named(vectors: MultiVector) -> tuple[NDArray[np.int32], Strings]:
    if vectors.tokens is None or vectors.vocabulary is None:
        raise InputError(
            "vectors that do not say which token they are of",
            "one vector a token, with its token",
            "use encoder=token_states or multi_vector_encoder, and no transform that pools tokens",
        )
    return np.asarray(vectors.tokens), vectors.vocabulary
