"""Documents of several vectors, all of which count: those nearest to the query most."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels.half import single
from ir_bench.scoring import best, merge, require_depth, require_dims, require_finite
from ir_bench.types import Hits, MultiVector

ROWS = 16_384


@dataclass
class AttentionViewIndex:
    """For one vector q of a query, the sum over a document's vectors e of softmax(sharpness * <q, e>) <q, e>; the mean
    over the vectors of a query that has several. Every document is compared.

    With a `sharpness` of 0 that is the mean over a document's vectors, and as it grows the largest. Documents and
    queries without vectors have no hits. Equal scores are ordered by ascending row. Notes `documents_compared`.
    Source: Tang et al. 2021, Improving Document Representations by Generating Pseudo Query Embeddings for Dense
    Retrieval (arXiv 2105.03599); there the sharpness is 1.
    Raises InputError for k below 1, queries of other dims, NaN and infinite values, and a search before build.
    """

    accepts: ClassVar[type] = MultiVector

    sharpness: float = field(default=1.0, metadata={"changes_documents": False})
    _documents: MultiVector | None = field(default=None, init=False, repr=False, compare=False)

    def build(self, documents: MultiVector) -> None:
        require_finite(documents.values, "a vector of document", documents.offsets)
        self._documents = documents
        cost.note("index_bytes", documents.values.nbytes + documents.offsets.nbytes)

    def search(self, queries: MultiVector, k: int) -> Hits:
        require_depth(k)
        if self._documents is None:
            raise InputError("search before build", "an index over documents", "call build(vectors) first")
        require_dims(queries, self._documents.values.shape[1])
        require_finite(queries.values, "a vector of query", queries.offsets)
        cost.note("documents_compared", len(queries) * len(self._documents))
        found = Hits(np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32))
        for start in range(0, len(self._documents), ROWS):
            hits = best(self._scores(queries, self._documents[start : start + ROWS]), k)
            found = merge(found, Hits(hits.rows + start, hits.scores), k)
        return Hits(np.where(found.scores == -np.inf, -1, found.rows), found.scores)

    def _scores(self, queries: MultiVector, documents: MultiVector) -> np.ndarray:
        scores = np.full((len(queries), len(documents)), -np.inf, np.float32)
        rows = np.flatnonzero(np.diff(documents.offsets))
        if not len(rows):
            return scores
        values, starts = single(documents.values), documents.offsets[rows]
        sizes = np.diff(np.append(starts, len(values)))
        for i in range(len(queries)):
            if len(query := queries.row(i)):
                products = query.astype(np.float32, copy=False) @ values.T  # [query vectors, document vectors]
                sharp = self.sharpness * products.astype(np.float64)
                sharp -= np.repeat(
                    np.maximum.reduceat(sharp, starts, axis=1), sizes, axis=1
                )  # so that exp is at most 1
                weights = np.exp(sharp)
                weighed = np.add.reduceat(weights * products, starts, axis=1)
                scores[i, rows] = (weighed / np.add.reduceat(weights, starts, axis=1)).mean(0)
        return scores
