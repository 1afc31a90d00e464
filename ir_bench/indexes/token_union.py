"""Candidates by single token vectors: the union of every query token's nearest documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels.half import single
from ir_bench.scoring import best, require_depth, require_dims, require_finite
from ir_bench.types import Hits, MultiVector

DOCUMENTS = 512  # compared with a query at once


@dataclass
class TokenUnion:
    """Each query token ranks the documents by their nearest token; a document's place is its best rank over all query
    tokens, so that the first hits are every token's first document, then every token's second, each document once.

    The deduplicated single-vector heuristic that MUVERA is compared with, its token search exact. The score is minus
    the best rank, from 1; of equal ranks the larger inner product is first, by at most a half. A query or document
    without tokens has no hits. Notes `documents_compared` and `tokens_compared`.
    Source: Dhulipala et al. 2024, MUVERA (arXiv 2405.19504), section 3.1 ("SV heuristic", with deduplication).
    Raises InputError for k below 1, for queries of other dims, for NaN and infinite values, and for a search before
    `build`.
    """

    accepts: ClassVar[type] = MultiVector

    _documents: MultiVector | None = field(default=None, init=False, repr=False, compare=False)

    def build(self, documents: MultiVector) -> None:
        self._documents = documents
        cost.note("index_bytes", documents.values.nbytes + documents.offsets.nbytes)

    def search(self, queries: MultiVector, k: int) -> Hits:
        require_depth(k)
        if self._documents is None:
            raise InputError("search before build", "an index over documents", "call build(vectors) first")
        documents = self._documents
        require_dims(queries, documents.values.shape[1])
        require_finite(queries.values, "a vector of query", queries.offsets)
        cost.note("documents_compared", len(queries) * len(documents))
        cost.note("tokens_compared", len(queries) * len(documents.values))
        scores = np.full((len(queries), len(documents)), -np.inf, np.float32)
        filled = np.flatnonzero(np.diff(documents.offsets))
        nearest = self._nearest(queries, documents, filled)  # [documents with tokens, query tokens]
        for i in range(len(queries)):
            own = nearest[:, queries.offsets[i] : queries.offsets[i + 1]]
            if own.size == 0:
                continue
            ranks = np.empty(own.shape, np.int64)
            np.put_along_axis(ranks, np.argsort(-own, axis=0, kind="stable"), np.arange(1, len(own) + 1)[:, None], 0)
            first = ranks.min(axis=1)
            product = np.where(ranks == first[:, None], own, -np.inf).max(axis=1)
            scores[i, filled] = -first + 0.25 * np.tanh(product)
        hits = best(scores, k)
        return Hits(np.where(hits.scores == -np.inf, -1, hits.rows), hits.scores)

    @staticmethod
    def _nearest(queries: MultiVector, documents: MultiVector, filled: np.ndarray) -> np.ndarray:
        parts = [np.empty((0, len(queries.values)), np.float32)]
        for start in range(0, len(filled), DOCUMENTS):
            rows = filled[start : start + DOCUMENTS]
            a, b = documents.offsets[rows[0]], documents.offsets[rows[-1] + 1]
            products = single(documents.values[a:b]) @ queries.values.T.astype(np.float32, copy=False)
            if not np.isfinite(products).all():
                require_finite(documents.values, "a vector of document", documents.offsets)
            parts.append(np.maximum.reduceat(products, documents.offsets[rows] - a, axis=0))
        return np.concatenate(parts)
