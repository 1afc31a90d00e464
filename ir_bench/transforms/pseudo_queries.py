"""A few vectors a document, as queries that it might answer: centroids of its token vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ir_bench.errors import InputError
from ir_bench.kernels import clusters
from ir_bench.kernels.half import single
from ir_bench.scoring import require_finite
from ir_bench.types import MultiVector


@dataclass
class PseudoQueries:
    """Documents' token vectors [tokens, dims] as at most `views` centroids of length 1, by k-means with inner products
    begun at equal steps; queries as the mean of all their vectors, at length 1.

    With `index=maxsim` a document scores as its nearest view, with `index=attention_view` as all of them, weighed by
    softmax. One view is the mean of the tokens, as a bi-encoder pools them. `tokens` of the vectors are dropped.
    Source: Tang, Sun, Jin, Wang, Zheng and Wu 2021, Improving Document Representations by Generating Pseudo Query
    Embeddings for Dense Retrieval (arXiv 2105.03599).
    Differs: nothing is trained through the clustering.
    Raises InputError for views or iterations below 1, and NaN and infinite values.
    """

    accepts: ClassVar[type] = MultiVector
    produces: ClassVar[type] = MultiVector

    views: int = 4
    iterations: int = 10

    def __post_init__(self) -> None:
        if self.views < 1 or self.iterations < 1:
            raise InputError(f"{self.views} views by {self.iterations} iterations", "at least 1 of each")

    def fit(self, documents: MultiVector) -> None:
        pass

    def documents(self, vectors: MultiVector) -> MultiVector:
        return self._pooled(vectors, self.views, "a vector of document")

    def queries(self, vectors: MultiVector) -> MultiVector:
        return self._pooled(vectors, 1, "a vector of query")

    def _pooled(self, vectors: MultiVector, views: int, what: str) -> MultiVector:
        require_finite(vectors.values, what, vectors.offsets)
        found = []
        for i in range(len(vectors)):
            tokens = np.ascontiguousarray(single(vectors.row(i)))
            kept = min(views, len(tokens))
            if kept:
                labels = clusters.spherical(tokens, kept, self.iterations)
                tokens = clusters.means(tokens, labels, False)
            norms = np.linalg.norm(tokens, axis=1, keepdims=True)
            found.append((tokens / np.where(norms > 0, norms, 1)).astype(vectors.values.dtype))
        return MultiVector(np.concatenate([vectors.values[:0], *found]), np.cumsum([0, *map(len, found)]))
