"""Late chunking: means of consecutive token vectors that have seen the whole text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ir_bench.errors import InputError
from ir_bench.kernels.half import single
from ir_bench.scoring import require_finite
from ir_bench.types import MultiVector


@dataclass
class SpanPool:
    """Documents' token vectors [tokens, dims] as means of chunks of at most `tokens`, equally long but for one token;
    queries as the mean of all theirs. With `index=maxsim` a document scores as its best chunk.

    `renormalise`: means get length 1. A document no longer than `tokens` is one chunk, as a bi-encoder pools it; `null`
    makes that of all. `tokens` and `vocabulary` of the vectors are dropped.
    Source: Günther et al. 2024, Late Chunking: Contextual Chunk Embeddings Using Long-Context Embedding Models (arXiv
    2409.04701).
    Raises InputError for chunks below 1 token, and NaN and infinite values.
    """

    accepts: ClassVar[type] = MultiVector
    produces: ClassVar[type] = MultiVector

    tokens: int | None = 64
    renormalise: bool = True

    def __post_init__(self) -> None:
        if self.tokens is not None and self.tokens < 1:
            raise InputError(f"chunks of {self.tokens} tokens", "at least 1, or null for whole documents")

    def fit(self, documents: MultiVector) -> None:
        pass

    def documents(self, vectors: MultiVector) -> MultiVector:
        return self._pooled(vectors, self.tokens, "a vector of document")

    def queries(self, vectors: MultiVector) -> MultiVector:
        return self._pooled(vectors, None, "a vector of query")

    def _pooled(self, vectors: MultiVector, tokens: int | None, what: str) -> MultiVector:
        lengths = np.diff(vectors.offsets)
        chunks = np.minimum(lengths, 1) if tokens is None else -(-lengths // tokens)
        offsets = np.concatenate([[0], np.cumsum(chunks)])
        if not offsets[-1]:
            return MultiVector(vectors.values[:0], offsets)
        require_finite(vectors.values, what, vectors.offsets)
        spans = [
            start + np.arange(n) * length // n
            for start, length, n in zip(vectors.offsets[:-1].tolist(), lengths.tolist(), chunks.tolist(), strict=True)
        ]
        starts = np.concatenate(spans).astype(np.int64)
        sizes = np.diff(np.append(starts, len(vectors.values)))
        means = np.add.reduceat(single(vectors.values), starts, axis=0) / sizes[:, None]
        if self.renormalise:
            norms = np.linalg.norm(means, axis=1, keepdims=True)
            means = means / np.where(norms > 0, norms, 1)
        return MultiVector(means.astype(vectors.values.dtype), offsets)
