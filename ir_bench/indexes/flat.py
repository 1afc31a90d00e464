"""Exact nearest neighbours by inner product."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.scoring import best, merge, require_depth, require_dims
from ir_bench.types import Dense, Hits

ROWS, QUERIES = 131_072, 256  # a block of scores takes at most 128 MiB
FEW = 32  # so few queries multiply faster as the second factor (measured with OpenBLAS: 1.3 to 1.5 times)


@dataclass
class FlatIndex:
    """Inner products of all queries [queries, dims] with all documents [documents, dims], in float32.

    The documents stay where they are (memory-mapped in the store) and are read once a search, block by block. Equal
    scores are ordered by ascending row, at the cut-off too. At most all documents are returned, however large k is.
    Differs: matrix products and not faiss, whose choice among equal scores at the cut-off is arbitrary, and which was
    slower for one query and for 16 or more in our measurements; faiss's own is `index=faiss_flat`.
    Raises InputError for k below 1, for queries of other dims, and for a search before `build`.
    """

    accepts: ClassVar[type] = Dense

    threads: int | None = field(default=None, metadata={"changes_results": False})
    _documents: NDArray[np.floating] | None = field(default=None, init=False, repr=False, compare=False)

    def build(self, documents: Dense) -> None:
        self._documents = documents.values
        cost.note("index_bytes", documents.values.nbytes)

    def search(self, queries: Dense, k: int) -> Hits:
        require_depth(k)
        if self._documents is None:
            raise InputError("search before build", "an index over documents", "call build(vectors) first")
        require_dims(queries, self._documents.shape[1])
        cost.note("documents_compared", len(queries.values) * len(self._documents))
        # looking for the thread pools takes a millisecond: as long as a query over thousands of documents
        with nullcontext() if self.threads is None else threadpool_limits(self.threads, user_api="blas"):
            return self._search(queries.values.astype(np.float32, copy=False), self._documents, k)

    @staticmethod
    def _search(queries: NDArray[np.float32], documents: NDArray[np.floating], k: int) -> Hits:
        nothing = Hits(np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32))
        found = [nothing] if len(queries) == 0 else []
        spans = [slice(i, i + QUERIES) for i in range(0, len(queries), QUERIES)]
        found += [Hits(nothing.rows[span], nothing.scores[span]) for span in spans]
        for start in range(0, len(documents), ROWS):
            block = documents[start : start + ROWS].astype(np.float32, copy=False)
            for i, span in enumerate(spans):
                some = queries[span]
                hits = best((block @ some.T).T if len(some) <= FEW else some @ block.T, k)
                found[i] = merge(found[i], Hits(hits.rows + start, hits.scores), k)
        return Hits(np.concatenate([h.rows for h in found]), np.concatenate([h.scores for h in found]))
