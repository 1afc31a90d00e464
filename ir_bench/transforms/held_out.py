"""A coder of vectors that learns from some of the documents and says how well it codes the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.protocols import Coder
from ir_bench.types import Dense, Sparse


@dataclass
class HeldOut:
    """The codes of `coder`, fitted to all documents [texts, dims] but a share `share` of them, drawn by `seed`.

    Notes `held_out_error` of those that it did not learn from, when fitted and when loaded: the sum of
    |x - decode(encode(x))|² over the sum of |x - mean|², the mean being theirs.
    Source: O'Neill et al. 2024, Disentangling Dense Embeddings with Sparse Autoencoders (normalised MSE).
    Raises InputError for a share that leaves fewer than two documents to one of the sides, and as `coder` does.
    """

    accepts: ClassVar[type] = Dense
    produces: ClassVar[type] = Sparse

    coder: Coder
    share: float = 0.1
    seed: int = 0
    _error: float | None = field(default=None, init=False, repr=False, compare=False)

    def fit(self, documents: Dense) -> None:
        order = np.random.default_rng(self.seed).permutation(len(documents))
        count = int(self.share * len(order))
        if not 2 <= count <= len(order) - 2:
            raise InputError(
                f"share={self.share} holds out {count} of {len(order)} documents",
                "two or more of them, and two or more to learn from",
                "choose a share between 0 and 1",
            )
        self.coder.fit(Dense(np.asarray(documents.values[np.sort(order[count:])])))
        held = np.asarray(documents.values[np.sort(order[:count])], np.float32)
        left = held - self.coder.decode(self.coder.encode(Dense(held))).values
        spread = float(((held - held.mean(0)) ** 2).sum(dtype=np.float64))
        self._error = float((left**2).sum(dtype=np.float64)) / spread if spread else 0.0
        cost.put("held_out_error", self._error)

    def documents(self, vectors: Dense) -> Sparse:
        return self.coder.documents(vectors)

    def queries(self, vectors: Dense) -> Sparse:
        return self.coder.queries(vectors)

    def encode(self, vectors: Dense) -> Sparse:
        """The codes of vectors [texts, dims], as `decode` takes them."""
        return self.coder.encode(vectors)

    def decode(self, codes: Sparse) -> Dense:
        """The vectors [texts, dims] that codes stand for."""
        return self.coder.decode(codes)

    def save(self, folder: Path) -> None:
        self.coder.save(folder / "coder")
        np.save(folder / "held_out_error.npy", np.array(self._error))

    def load(self, folder: Path) -> None:
        self.coder.load(folder / "coder")
        self._error = float(np.load(folder / "held_out_error.npy", allow_pickle=False))
        cost.put("held_out_error", self._error)
