"""Only some of a sparse vector's dimensions, by their numbers: one part of a head that makes several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ir_bench.errors import InputError
from ir_bench.types import Sparse


@dataclass
class TermRange:
    """Sparse vectors without the dimensions below `first` and from `last` on, of documents and queries; None: no limit.

    Of `architecture=joint` over a vocabulary of V tokens, last=V leaves the sparse part and first=V the dense one.
    Order and vocabulary stay. Raises InputError for a range that holds no dimension.
    """

    accepts: ClassVar[type] = Sparse
    produces: ClassVar[type] = Sparse

    first: int = 0
    last: int | None = None

    def __post_init__(self) -> None:
        if self.first < 0 or (self.last is not None and self.last <= self.first):
            raise InputError(f"the dimensions from {self.first} to below {self.last}", "0 <= first < last, or null")

    def fit(self, documents: Sparse) -> None:
        """Nothing to learn."""

    def documents(self, vectors: Sparse) -> Sparse:
        return self._within(vectors)

    def queries(self, vectors: Sparse) -> Sparse:
        return self._within(vectors)

    def _within(self, vectors: Sparse) -> Sparse:
        if self.first == 0 and self.last is None:
            return vectors
        kept = np.asarray(vectors.terms) >= self.first
        if self.last is not None:
            kept &= np.asarray(vectors.terms) < self.last
        offsets = np.append(0, np.cumsum(kept))[vectors.offsets]
        return Sparse(vectors.terms[kept], vectors.weights[kept], offsets, vectors.vocabulary)
