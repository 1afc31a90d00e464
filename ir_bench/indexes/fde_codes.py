"""Inner products with product-quantised documents that read only the codes of a query's own columns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels.codes import CENTROIDS, CODED, add_looked_up
from ir_bench.scoring import best, merge, require_depth, require_dims, require_finite
from ir_bench.types import Dense, Hits

ROWS, QUERIES = 131_072, 64  # a block of scores takes at most 32 MiB
CODED_AT_ONCE = 1024  # documents


@dataclass
class FdeCodes:
    """Inner products of queries [queries, dims] that are zero in most columns with documents [documents, dims] of which
    every 8 columns are kept as one byte: the nearest of 256 centroids of these columns (PQ-256-8, 32 times smaller than
    float32).

    Scores are those of the decoded documents; the queries are not rounded. A query's products with the centroids are
    computed once and looked up, and the codes of columns in which it is zero are not read. At most `training_rows`
    documents, sampled with `seed`, train the centroids by k-means. Equal scores are ordered by ascending row, at the
    cut-off too. `threads` share the documents. Notes `documents_compared`, `codes_read` (for each query and document)
    and, on `load`, `index_bytes` (codes and centroids).
    Source: Jégou, Douze and Schmid 2011, Product Quantization for Nearest Neighbor Search, section III-A (the
    asymmetric distance); Dhulipala et al. 2024, MUVERA (arXiv 2405.19504), section 3.2.
    Differs: the last columns are padded with zeros to a multiple of 8; skipping codes is ours.
    Raises InputError for fewer than 256 documents, for k below 1, for queries of other dims, for NaN and infinite
    values, and for a search before `build` or `load`.
    """

    accepts: ClassVar[type] = Dense

    training_rows: int = 100_000
    seed: int = 0
    threads: int = field(default=1, metadata={"changes_results": False})
    _codes: NDArray[np.uint8] | None = field(default=None, init=False, repr=False, compare=False)
    _centroids: NDArray[np.float32] | None = field(default=None, init=False, repr=False, compare=False)
    _dims: int = field(default=0, init=False, repr=False, compare=False)

    def build(self, documents: Dense) -> None:
        import faiss

        count, self._dims = documents.values.shape
        if count < CENTROIDS or self.training_rows < CENTROIDS:
            raise InputError(
                f"{min(count, self.training_rows)} documents to train {CENTROIDS} centroids of every {CODED} columns",
                f"at least {CENTROIDS}",
                "keep more documents, or choose index=fde_blocks index.storage=int8",
            )
        groups = -(-self._dims // CODED)
        quantiser = faiss.ProductQuantizer(groups * CODED, groups, 8)
        quantiser.cp.seed, quantiser.cp.min_points_per_centroid = self.seed, 1
        rows = np.arange(count)
        if count > self.training_rows:
            rows = np.sort(np.random.default_rng(self.seed).choice(count, self.training_rows, replace=False))
        quantiser.train(_padded(documents, rows, groups * CODED))
        codes = np.empty((groups, count), np.uint8)
        for start in range(0, count, CODED_AT_ONCE):
            span = np.arange(start, min(start + CODED_AT_ONCE, count))
            codes[:, span] = quantiser.compute_codes(_padded(documents, span, groups * CODED)).T
        centroids = faiss.vector_to_array(quantiser.centroids).reshape(groups, CENTROIDS, CODED)
        self._codes, self._centroids = codes, np.ascontiguousarray(centroids.transpose(0, 2, 1))

    def decoded(self) -> Dense:
        """The documents that scores are those of, [documents, dims]."""
        codes, centroids = self._built()
        found = np.stack([centroids[g][:, codes[g]] for g in range(len(codes))])  # [groups, CODED, documents]
        return Dense(np.ascontiguousarray(found.reshape(-1, codes.shape[1])[: self._dims].T))

    def save(self, folder: Path) -> None:
        codes, centroids = self._built()
        np.save(folder / "codes.npy", codes)
        np.save(folder / "centroids.npy", centroids)
        np.save(folder / "dims.npy", self._dims)

    def load(self, folder: Path) -> None:
        """Restore a saved index, its codes memory-mapped; notes its bytes as `index_bytes`."""
        self._codes, self._centroids = np.load(folder / "codes.npy", mmap_mode="r"), np.load(folder / "centroids.npy")
        self._dims = int(np.load(folder / "dims.npy"))
        codes, centroids = self._built()
        cost.note("index_bytes", codes.nbytes + centroids.nbytes)

    def search(self, queries: Dense, k: int) -> Hits:
        require_depth(k)
        codes, _ = self._built()
        require_dims(queries, self._dims)
        require_finite(queries.values, "the vector of query")
        count = codes.shape[1]
        rows = np.empty((len(queries), min(k, count)), np.int64)
        scores = np.empty(rows.shape, np.float32)
        for start in range(0, len(queries), QUERIES):
            span = slice(start, start + QUERIES)
            hits = self._search(queries.values[span].astype(np.float32, copy=False), k)
            rows[span], scores[span] = hits.rows, hits.scores
        cost.note("documents_compared", len(queries) * count)
        return Hits(rows, scores)

    def _built(self) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        if self._codes is None or self._centroids is None:
            raise InputError("search before build", "an index over documents", "call build(vectors) first")
        return np.asarray(self._codes), self._centroids

    def _search(self, queries: NDArray[np.float32], k: int) -> Hits:
        codes, centroids = self._built()
        groups, count = codes.shape
        padded = np.zeros((len(queries), groups * CODED), np.float32)
        padded[:, : self._dims] = queries
        weights = padded.reshape(len(queries), groups, CODED)
        asked, hit = np.nonzero(weights.any(axis=2))
        starts = np.searchsorted(asked, np.arange(len(queries) + 1))
        weights = weights[asked, hit]
        cost.note("codes_read", len(hit) * count)
        found = Hits(np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32))
        for first in range(0, count, ROWS):
            scores = np.zeros((len(queries), min(ROWS, count - first)), np.float32)

            def some(a: int, b: int, first: int = first, scores: NDArray[np.float32] = scores) -> None:
                add_looked_up(codes, centroids, starts, hit, weights, first + a, scores[:, a:b])

            cuts = [i * scores.shape[1] // self.threads for i in range(self.threads + 1)]
            if self.threads > 1:
                with ThreadPoolExecutor(self.threads) as pool:
                    list(pool.map(some, cuts[:-1], cuts[1:]))
            else:
                some(0, scores.shape[1])
            hits = best(scores, k)
            found = merge(found, Hits(hits.rows + first, hits.scores), k) if count > ROWS else hits
        return found


def _padded(documents: Dense, rows: NDArray[np.int64], dims: int) -> NDArray[np.float32]:
    values = np.zeros((len(rows), dims), np.float32)
    values[:, : documents.values.shape[1]] = documents.values[rows]
    if not np.isfinite(values).all():
        require_finite(documents.values, "the vector of document")
    return values
