"""Documents scored by their retrieved tokens alone; what was not retrieved is estimated."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels.half import single
from ir_bench.scoring import one_by_one, require_depth, require_dims, require_finite
from ir_bench.types import Alignment, Hits, MultiVector

TOKENS = 65_536  # of documents, multiplied at once


@dataclass
class XTRIndex:
    """The mean over query tokens of the largest inner product with a retrieved token of the document.

    Each query token retrieves the `tokens` document tokens of the largest inner product, exactly, among those of all
    documents; of equal ones the first. A document none of whose tokens it retrieves gets the lowest inner product that
    it did retrieve, which is an upper bound of the true one. Documents without any retrieved token are no hits. With
    `tokens` at least the number of all, the score is MaxSim over the number of query tokens. Notes `tokens_compared`
    and `documents_matched`. Equal scores are ordered by ascending row.

    Source: Lee et al. 2023, Rethinking the Role of Token Retrieval in Multi-Vector Retrieval (arXiv
    2304.01982).
    Raises InputError for fewer than 1 token, k below 1, queries of other dims, NaN and infinite values, and a search
    before build.
    """

    accepts: ClassVar[type] = MultiVector

    tokens: int = field(default=40_000, metadata={"changes_documents": False})
    threads: int | None = field(default=None, metadata={"changes_results": False})
    _documents: MultiVector | None = field(default=None, init=False, repr=False, compare=False)

    def build(self, documents: MultiVector) -> None:
        if self.tokens < 1:
            raise InputError(f"{self.tokens} tokens are to be retrieved", "at least 1", "set index.tokens=40000")
        self._documents = documents
        cost.note("index_bytes", documents.values.nbytes + documents.offsets.nbytes)

    def search(self, queries: MultiVector, k: int) -> Hits:
        require_depth(k)
        if self._documents is None:
            raise InputError("search before build", "an index over documents", "call build(vectors) first")
        documents = self._documents
        require_dims(queries, documents.values.shape[1])
        require_finite(queries.values, "a vector of query", queries.offsets)

        def scored(query: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
            if not len(documents.values):
                return np.empty(0, np.int64), np.empty(0, np.float32)
            return _scored(*self._retrieved(query, documents), documents.offsets)

        with nullcontext() if self.threads is None else threadpool_limits(self.threads, user_api="blas"):
            hits = one_by_one(queries, min(k, len(documents)), scored)
        cost.note("tokens_compared", len(queries) * len(documents.values))
        return hits

    def align(self, query: MultiVector, rows: Sequence[int], documents: MultiVector) -> list[Alignment]:
        """Each token of one query against those tokens of each row that it retrieves, with the lowest inner product
        that it did retrieve for rows without any. Raises InputError for queries of other dims, NaN and infinite values.
        """
        require_dims(query, documents.values.shape[1])
        require_finite(query.values, "a vector of query", query.offsets)
        names, found = query.names(0), []
        at, products = self._retrieved(query.row(0).astype(np.float32, copy=False), documents)
        lowest = products.min(axis=1, initial=np.inf)
        for row in rows:
            start, end = documents.offsets[row : row + 2].tolist()
            similarities = np.full((len(names), end - start), np.nan, np.float32)
            mine = (at >= start) & (at < end)
            similarities[mine.nonzero()[0], at[mine] - start] = products[mine]
            found.append(Alignment(names, documents.names(row), similarities, lowest, 1 / max(len(names), 1)))
        return found

    def _retrieved(
        self, query: NDArray[np.float32], documents: MultiVector
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The best tokens of each query token, ascending, and their inner products [query tokens, retrieved]."""
        at = np.zeros((len(query), 0), np.int64)
        products = np.zeros((len(query), 0), np.float32)
        for start in range(0, len(documents.values), TOKENS):
            new = query @ single(documents.values[start : start + TOKENS]).T
            if not np.isfinite(new).all():
                require_finite(documents.values, "a vector of document", documents.offsets)
            numbers = np.broadcast_to(np.arange(start, start + new.shape[1]), new.shape)
            at, products = np.concatenate([at, numbers], 1), np.concatenate([products, new], 1)
            if products.shape[1] > self.tokens:
                kept = np.sort(np.argsort(-products, axis=1, kind="stable")[:, : self.tokens], axis=1)
                at, products = np.take_along_axis(at, kept, 1), np.take_along_axis(products, kept, 1)
        return at, products


def _scored(
    at: NDArray[np.int64], products: NDArray[np.float32], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The documents of the retrieved tokens, ascending, and their scores."""
    owners = np.searchsorted(offsets, at, side="right") - 1
    rows = np.unique(owners)
    cost.note("documents_matched", len(rows))
    total = np.zeros(len(rows), np.float64)
    for mine, found in zip(owners, products, strict=True):
        best = np.full(len(rows), found.min())
        starts = np.flatnonzero(np.diff(mine, prepend=-1))
        best[np.searchsorted(rows, mine[starts])] = np.maximum.reduceat(found, starts)
        total += best
    return rows, (total / len(at)).astype(np.float32)
