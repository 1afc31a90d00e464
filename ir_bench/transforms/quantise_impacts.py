"""Weights of terms as small whole numbers, the impacts that search engines store."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench.checkpoints import OF_QUERIES
from ir_bench.errors import InputError
from ir_bench.shards import write_arrays
from ir_bench.types import Sparse

ROWS = 1 << 20  # weights looked at together


@dataclass
class QuantiseImpacts:
    """Document weights above zero to whole numbers 1 … 2^bits - 1, in equal steps up to the largest of the collection:
    ceil(w / step). `bits` None leaves them as they are. With `queries_too` query weights go to whole steps of the same
    size, as impact indexes need. Scores are in steps (and their squares). Negative weights raise InputError.

    Source: Anh, de Kretser and Moffat 2001, Vector-Space Ranking with Effective Early Termination; uniform steps as in
    Mallia et al. 2021, Learning Passage Impacts for Inverted Indexes. Differs: weights of a step's share round up, so
    that no term is lost.
    """

    accepts: ClassVar[type] = Sparse
    produces: ClassVar[type] = Sparse

    bits: int | None = 8
    queries_too: bool = field(default=False, metadata=OF_QUERIES)
    _step: NDArray[np.float64] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.bits is not None and not 1 <= self.bits <= 16:
            raise InputError(f"impacts of {self.bits} bits", "1 to 16, or null for no quantisation")

    def fit(self, documents: Sparse) -> None:
        parts = [documents.weights[i : i + ROWS] for i in range(0, len(documents.weights), ROWS)]
        largest = max((float(part.max()) for part in parts), default=0.0)
        if any(not (part >= 0).all() for part in parts):
            raise InputError("negative or undefined weights of terms", "weights of at least zero", "check the encoder")
        self._step = np.array([(largest or 1.0) / (2 ** (self.bits or 1) - 1)])

    def save(self, folder: Path) -> None:
        write_arrays(folder, {"step": self._fitted()})

    def load(self, folder: Path) -> None:
        self._step = np.load(folder / "step.npy", allow_pickle=False)

    def documents(self, vectors: Sparse) -> Sparse:
        return self._steps(vectors)

    def queries(self, vectors: Sparse) -> Sparse:
        return self._steps(vectors) if self.queries_too else vectors

    def _steps(self, vectors: Sparse) -> Sparse:
        step = self._fitted()
        if self.bits is None:
            return vectors
        # the factor keeps what is a whole number of steps, but for rounding, from the next one
        weights = np.ceil(vectors.weights.astype(np.float64) / step * (1 - 1e-12)).astype(np.float32)
        return Sparse(vectors.terms, weights, vectors.offsets, vectors.vocabulary)

    def _fitted(self) -> NDArray[np.float64]:
        if self._step is None:
            raise InputError("impacts before fit", "documents to fit to", "call fit(documents) first")
        return self._step
