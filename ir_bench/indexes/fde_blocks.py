"""Exact inner products that read only the columns in which a query is not zero."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels.columns import TOGETHER, add_products
from ir_bench.scoring import best, merge, require_depth, require_dims, require_finite
from ir_bench.types import Dense, Hits

ROWS, QUERIES = 131_072, 64  # a block of scores takes at most 32 MiB
TRANSPOSED_AT_ONCE = 1024  # documents


@dataclass
class FdeBlocks:
    """Inner products of queries [queries, dims] that are zero in most columns with dense documents [documents, dims]:
    the scores of a `FlatIndex` at the cost of the columns that a query needs.

    Made for MUVERA: a query's fixed dimensional encoding is zero in every region that none of its tokens falls into.
    The documents are kept column by column, four columns together. `storage`: float32, or int8 with one scale a
    document, whose scores are those of the rounded documents. Equal scores are ordered by ascending row, at the cut-off
    too. `threads` share the documents. Notes `documents_compared`, `columns_read` (summed over queries) and
    `read_bytes` (a column once for 64 queries).
    Raises InputError for k below 1, for queries of other dims, for NaN and infinite values, and for a search before
    `build` or `load`.
    """

    accepts: ClassVar[type] = Dense

    storage: Literal["float32", "int8"] = "float32"
    threads: int = field(default=1, metadata={"changes_results": False})
    _columns: NDArray | None = field(default=None, init=False, repr=False, compare=False)
    _scales: NDArray[np.float32] | None = field(default=None, init=False, repr=False, compare=False)
    _dims: int = field(default=0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.storage not in ("float32", "int8"):
            raise InputError(f"documents stored as {self.storage!r}", "storage=float32 or int8")

    def build(self, documents: Dense) -> None:
        count, self._dims = documents.values.shape
        small = self.storage == "int8"
        groups = -(-self._dims // TOGETHER)
        columns = np.zeros((groups, TOGETHER, count), np.int8 if small else np.float32)
        scales = np.ones(count if small else 0, np.float32)
        flat = columns.reshape(groups * TOGETHER, count)
        for start in range(0, count, TRANSPOSED_AT_ONCE):
            span = slice(start, start + TRANSPOSED_AT_ONCE)
            values = documents.values[span].astype(np.float32)
            if not np.isfinite(values).all():
                require_finite(documents.values, "the vector of document")
            if small:
                largest = np.abs(values).max(axis=1, initial=0)
                scales[span] = np.where(largest > 0, largest / 127, 1)
                values = np.rint(values / scales[span, None])
            flat[: self._dims, span] = values.T
        self._columns, self._scales = columns, scales

    def save(self, folder: Path) -> None:
        assert self._columns is not None
        assert self._scales is not None
        np.save(folder / "columns.npy", self._columns)
        np.save(folder / "scales.npy", self._scales)
        np.save(folder / "dims.npy", self._dims)

    def load(self, folder: Path) -> None:
        """Restore a saved index, memory-mapped; notes its bytes as `index_bytes`."""
        columns = np.load(folder / "columns.npy", mmap_mode="r")
        self._columns, self._scales = columns, np.load(folder / "scales.npy")
        self._dims = int(np.load(folder / "dims.npy"))
        cost.note("index_bytes", columns.nbytes + self._scales.nbytes)

    def search(self, queries: Dense, k: int) -> Hits:
        require_depth(k)
        if self._columns is None:
            raise InputError("search before build", "an index over documents", "call build(vectors) first")
        require_dims(queries, self._dims)
        require_finite(queries.values, "the vector of query")
        count = self._columns.shape[2]
        rows = np.empty((len(queries), min(k, count)), np.int64)
        scores = np.empty(rows.shape, np.float32)
        for start in range(0, len(queries), QUERIES):
            span = slice(start, start + QUERIES)
            hits = self._search(queries.values[span].astype(np.float32, copy=False), np.asarray(self._columns), k)
            rows[span], scores[span] = hits.rows, hits.scores
        cost.note("documents_compared", len(queries) * count)
        return Hits(rows, scores)

    def _search(self, queries: NDArray[np.float32], columns: NDArray, k: int) -> Hits:
        padded = np.zeros((len(queries), len(columns) * TOGETHER), np.float32)
        padded[:, : self._dims] = queries
        weights = padded.reshape(len(queries), len(columns), TOGETHER)
        groups, asked = np.nonzero(weights.any(axis=2).T)  # by group, then query
        weights = np.ascontiguousarray(weights[asked, groups])
        count = columns.shape[2]
        cost.note("columns_read", len(groups) * TOGETHER)
        cost.note("read_bytes", len(np.unique(groups)) * TOGETHER * count * columns.itemsize)
        found = Hits(np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32))
        for first in range(0, count, ROWS):
            scores = np.zeros((len(queries), min(ROWS, count - first)), np.float32)
            self._score(columns, groups, asked, weights, first, scores)
            if self._scales is not None and len(self._scales):
                scores *= self._scales[first : first + scores.shape[1]]
            hits = best(scores, k)
            found = merge(found, Hits(hits.rows + first, hits.scores), k) if count > ROWS else hits
        return found

    def _score(
        self, columns: NDArray, groups: NDArray, asked: NDArray, weights: NDArray, first: int, scores: NDArray
    ) -> None:
        if self.threads == 1:
            add_products(columns, groups, asked, weights, first, scores)
            return
        cuts = [i * scores.shape[1] // self.threads for i in range(self.threads + 1)]

        def some(a: int, b: int) -> None:
            add_products(columns, groups, asked, weights, first + a, scores[:, a:b])

        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(some, cuts[:-1], cuts[1:]))
