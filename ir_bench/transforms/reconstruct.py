"""Dense vectors as their sparse codes give them back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ir_bench.errors import InputError
from ir_bench.protocols import Coder
from ir_bench.types import Dense


@dataclass
class Reconstruct:
    """Vectors [texts, dims] as decode(encode(v)), of their own length; `sides`: of documents and queries, or of one.

    What an index of them loses against the vectors themselves is what the codes do not hold.
    Source: O'Neill et al. 2024, Disentangling Dense Embeddings with Sparse Autoencoders (fidelity of reconstructions).
    Raises InputError for another `sides`, and as `coder` does.
    """

    accepts: ClassVar[type] = Dense
    produces: ClassVar[type] = Dense

    coder: Coder
    sides: Literal["both", "documents", "queries"] = "both"

    def __post_init__(self) -> None:
        if self.sides not in ("both", "documents", "queries"):
            raise InputError(f"sides={self.sides!r} of reconstructed vectors", "both, documents or queries")

    @property
    def learner(self) -> Coder:
        return self.coder

    def fit(self, documents: Dense) -> None:
        self.coder.fit(documents)

    def documents(self, vectors: Dense) -> Dense:
        return vectors if self.sides == "queries" else self._reconstructed(vectors)

    def queries(self, vectors: Dense) -> Dense:
        return vectors if self.sides == "documents" else self._reconstructed(vectors)

    def _reconstructed(self, vectors: Dense) -> Dense:
        values = self.coder.decode(self.coder.encode(vectors)).values
        lengths, own = (np.linalg.norm(v, axis=1, keepdims=True) for v in (values, vectors.values))
        return Dense((values * np.divide(own, lengths, out=np.zeros_like(own), where=lengths > 0)).astype(np.float32))
