"""Approximate MaxSim over compressed token vectors: ever fewer documents are scored ever more exactly."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels.centroid_interaction import by_centroids, by_tokens
from ir_bench.kernels.residual import Codec, require_bits
from ir_bench.scoring import one_by_one, require_depth, require_dims, require_finite
from ir_bench.shards import write_arrays
from ir_bench.types import Alignment, Hits, MultiVector

AT_SEARCH = {"changes_documents": False}


@dataclass
class PlaidIndex:
    """Documents' tokens as a centroid and a residual of `bits` a dimension; a search has four stages.

    1. Candidates: the documents with a token at one of the `nprobe` centroids nearest to a query token.
    2. Their MaxSim with centroids in the place of tokens, those below `threshold` for all query tokens left out; the
       best `candidates` stay.
    3. The same with all centroids; a quarter of them stays, so fewer hits than asked for are possible.
    4. MaxSim with decompressed tokens.

    With `nprobe` at least the number of centroids, no threshold, and `candidates` at least four times the documents
    the hits are the exact ones over the decompressed vectors. The authors' settings are (1, 0.5, 256) for 10 hits, (2,
    0.45, 1024) for 100 and (4, 0.4, 4096) for 1000. `centroids`: None is 16 times the square root of the number of
    tokens, rounded down to a power of 2; at most `training_tokens`, sampled with `seed`, train them. Equal scores are
    ordered by ascending row; a document without tokens is never a hit. Notes `documents_matched` (stage 1),
    `documents_compared` and `tokens_compared` (stage 4).

    Source: Santhanam et al. 2022, PLAID (arXiv 2205.09707), section 4, over ColBERTv2's codes (arXiv 2112.01488).
    Differs: settings do not follow the number of hits; a query token that the threshold leaves no centroid for adds 0.
    Raises InputError for bits other than 1, 2, 4, 8, documents without a single token, NaN and infinite values, k below
    1, queries of other dims, and a search before build or load.
    """

    accepts: ClassVar[type] = MultiVector

    bits: int = 2
    centroids: int | None = None
    iterations: int = 4
    training_tokens: int = 1 << 20
    seed: int = 0
    nprobe: int = field(default=4, metadata=AT_SEARCH)
    threshold: float | None = field(default=0.4, metadata=AT_SEARCH)
    candidates: int = field(default=4096, metadata=AT_SEARCH)
    threads: int | None = field(default=None, metadata={"changes_results": False})
    _arrays: dict[str, NDArray[Any]] | None = field(default=None, init=False, repr=False, compare=False)

    def build(self, documents: MultiVector) -> None:
        require_bits(self.bits)
        with self._limited():
            codec = Codec.trained(
                documents, self.centroids, self.bits, self.iterations, self.training_tokens, self.seed
            )
            codes, packed = (np.concatenate(parts) for parts in zip(*codec.encoded(documents), strict=True))
        # every document once in the list of each of its centroids, lists in ascending order of documents
        owners = np.repeat(np.arange(len(documents)), np.diff(documents.offsets))
        pairs = np.unique(codes.astype(np.int64) * len(documents) + owners)
        starts = np.searchsorted(pairs, np.arange(len(codec.centroids) + 1) * len(documents))
        rows = (pairs % len(documents)).astype(np.int32)
        offsets = np.asarray(documents.offsets, np.int64)
        self._arrays = {**codec.arrays(), "codes": codes, "packed": packed, "offsets": offsets}
        self._arrays |= {"starts": starts, "rows": rows}

    def save(self, folder: Path) -> None:
        write_arrays(folder, self._built())

    def load(self, folder: Path) -> None:
        files = sorted(folder.glob("*.npy"))
        self._arrays = {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in files}
        cost.note("index_bytes", sum(array.nbytes for array in self._arrays.values()))

    def search(self, queries: MultiVector, k: int) -> Hits:
        require_depth(k)
        built = self._built()
        require_dims(queries, built["centroids"].shape[1])
        require_finite(queries.values, "a vector of query", queries.offsets)
        k = min(k, len(built["offsets"]) - 1)
        with self._limited():
            return one_by_one(queries, k, lambda query: self._search(query, built))

    def align(self, query: MultiVector, rows: Sequence[int], documents: MultiVector) -> list[Alignment]:
        """Every token of one query against every decompressed token of each row, as stage 4 compares them, also of rows
        that a search would leave out before. Raises InputError as search does."""
        built = self._built()
        require_dims(query, built["centroids"].shape[1])
        require_finite(query.values, "a vector of query", query.offsets)
        codec, offsets = Codec(*(built[name] for name in ("centroids", "cutoffs", "weights"))), built["offsets"]
        asked, names, found = query.row(0).astype(np.float32, copy=False), query.names(0), []
        for row in rows:
            span = slice(offsets[row], offsets[row + 1])
            vectors = codec.decoded(built["codes"][span], built["packed"][span])
            found.append(Alignment(names, documents.names(row), asked @ vectors.T))
        return found

    def _search(
        self, query: NDArray[np.float32], built: dict[str, NDArray[Any]]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        products = built["centroids"] @ query.T  # [centroids, query tokens]
        rows = self._matched(products, built)
        cost.note("documents_matched", len(rows))
        all_kept = np.ones(len(products), np.bool_)
        kept = all_kept if self.threshold is None else products.max(1) >= np.float32(self.threshold)
        of_tokens = built["codes"], built["offsets"]
        if len(rows) > self.candidates:
            rows = _highest(rows, by_centroids(products, kept, rows, *of_tokens), self.candidates)
        if len(rows) > self.candidates // 4:
            rows = _highest(rows, by_centroids(products, all_kept, rows, *of_tokens), max(self.candidates // 4, 1))
        cost.note("documents_compared", len(rows))
        cost.note("tokens_compared", int(np.diff(built["offsets"])[rows].sum()))
        codec = built["centroids"], built["weights"], self.bits
        return rows, by_tokens(
            np.ascontiguousarray(query.T), rows, built["codes"], built["packed"], built["offsets"], *codec
        )

    def _matched(self, products: NDArray[np.float32], built: dict[str, NDArray[Any]]) -> NDArray[np.int64]:
        """Rows of the documents with a token at one of the centroids nearest to a query token, ascending."""
        if self.nprobe >= len(products):
            return np.flatnonzero(np.diff(built["offsets"]))
        nearest = np.unique(np.argpartition(-products, self.nprobe - 1, axis=0)[: self.nprobe])
        starts = built["starts"]
        lists = [built["rows"][starts[c] : starts[c + 1]] for c in nearest.tolist()]
        return np.unique(np.concatenate(lists)).astype(np.int64)

    def _built(self) -> dict[str, NDArray[Any]]:
        if self._arrays is None:
            raise InputError("search before build", "an index over documents", "call build(vectors) first")
        return self._arrays

    def _limited(self) -> Any:
        return nullcontext() if self.threads is None else threadpool_limits(self.threads)


def _highest(rows: NDArray[np.int64], scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """The rows, ascending, of the `count` highest scores; of equal ones at the cut-off the lower rows."""
    if len(rows) <= count:
        return rows
    return rows[np.sort(np.argsort(-scores, kind="stable")[:count])]
