"""Token vectors of fewer dimensions: the first ones, as a model with Matryoshka dimensions was trained for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ir_bench.errors import InputError
from ir_bench.types import MultiVector


@dataclass
class TokenTruncate:
    """The first `dims` of each token vector of documents and queries, at length 1 again where `renormalise` says so.

    `dims: null`, or as many as there are, changes nothing.
    Source: Jha et al. 2024, Jina-ColBERT-v2 (arXiv 2408.16672); Kusupati et al. 2022, Matryoshka
    Representation Learning (arXiv 2205.13147).
    Raises InputError for dims below 1 or above those that the vectors have.
    """

    accepts: ClassVar[type] = MultiVector
    produces: ClassVar[type] = MultiVector

    dims: int | None = 64
    renormalise: bool = True

    def fit(self, documents: MultiVector) -> None:
        self._require(documents)

    def documents(self, vectors: MultiVector) -> MultiVector:
        self._require(vectors)
        if self.dims is None or self.dims == vectors.values.shape[1]:
            return vectors
        values = vectors.values[:, : self.dims]
        if self.renormalise:
            lengths = np.linalg.norm(values.astype(np.float32), axis=1, keepdims=True)
            values = (values / np.where(lengths > 0, lengths, 1)).astype(vectors.values.dtype)
        return MultiVector(values, vectors.offsets, vectors.tokens, vectors.vocabulary)

    queries = documents

    def _require(self, vectors: MultiVector) -> None:
        if self.dims is not None and not 1 <= self.dims <= vectors.values.shape[1]:
            raise InputError(
                f"{self.dims} dimensions are asked of token vectors of {vectors.values.shape[1]}",
                f"at least 1 and at most {vectors.values.shape[1]}",
                "change transforms.….dims",
            )
