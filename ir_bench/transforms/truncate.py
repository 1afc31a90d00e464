"""The first dimensions of dense vectors alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ir_bench.errors import InputError
from ir_bench.types import Dense


@dataclass
class Truncate:
    """The first `dimensions` of vectors [texts, dims], of length 1 again where `normalise`; None: all, unchanged.

    Source: Kusupati et al. 2022, Matryoshka Representation Learning, whose models are trained to be cut so; for others
    it is a baseline. Raises InputError for more dimensions than the vectors have.
    """

    accepts: ClassVar[type] = Dense
    produces: ClassVar[type] = Dense

    dimensions: int | None = None
    normalise: bool = True

    def fit(self, documents: Dense) -> None:
        """Nothing to learn."""

    def documents(self, vectors: Dense) -> Dense:
        if self.dimensions is None:
            return vectors
        if not 1 <= self.dimensions <= vectors.values.shape[1]:
            raise InputError(
                f"the first {self.dimensions} dimensions of vectors of {vectors.values.shape[1]}",
                f"1 to {vectors.values.shape[1]}",
                "correct transform.dimensions",
            )
        cut = vectors.values[:, : self.dimensions]
        if not self.normalise:
            return Dense(cut)
        lengths = np.linalg.norm(cut.astype(np.float32), axis=1, keepdims=True)
        return Dense((cut / np.where(lengths > 0, lengths, 1)).astype(vectors.values.dtype))

    def queries(self, vectors: Dense) -> Dense:
        return self.documents(vectors)
