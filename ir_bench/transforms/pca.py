"""Dense vectors in the directions in which documents are largest."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.scoring import require_finite
from ir_bench.shards import write_arrays
from ir_bench.types import Dense

ROWS = 1 << 16  # read at once


@dataclass
class PrincipalComponents:
    """Vectors [texts, dims] times the first `dimensions` eigenvectors of documents' second moments; None: unchanged.

    `centre` takes the documents' mean from documents and queries first, as principal components are defined; without
    it inner products are kept as well as so few dimensions can (the mean is a direction like others). `normalise`: the
    results get length 1. The sign of a component is that which makes its largest entry positive.
    Source: Eckart and Young 1936, The approximation of one matrix by another of lower rank.
    Raises InputError for more dimensions than the vectors have, other dims than those of `fit`, NaN and infinite
    values.
    """

    accepts: ClassVar[type] = Dense
    produces: ClassVar[type] = Dense

    dimensions: int | None = None
    centre: bool = False
    normalise: bool = False
    _state: dict[str, NDArray[np.float32]] | None = field(default=None, init=False, repr=False, compare=False)

    def fit(self, documents: Dense) -> None:
        dims = documents.values.shape[1]
        if self.dimensions is not None and not 1 <= self.dimensions <= dims:
            raise InputError(
                f"{self.dimensions} principal components of vectors of {dims} dimensions",
                f"1 to {dims}",
                "correct transform.dimensions",
            )
        total, moments = np.zeros(dims), np.zeros((dims, dims))
        for start in range(0, len(documents), ROWS):
            block = documents.values[start : start + ROWS].astype(np.float64)
            require_finite(block, "the vector of document")
            total += block.sum(0)
            moments += block.T @ block
        mean = total / max(len(documents), 1) if self.centre else np.zeros(dims)
        _, vectors = np.linalg.eigh(moments - len(documents) * np.outer(mean, mean))
        components = vectors[:, ::-1][:, : self.dimensions]
        signs = np.sign(np.take_along_axis(components, np.abs(components).argmax(0)[None], 0))
        self._state = {"components": (components * signs).astype(np.float32), "mean": mean.astype(np.float32)}

    def save(self, folder: Path) -> None:
        write_arrays(folder, self._fitted())

    def load(self, folder: Path) -> None:
        self._state = {path.stem: np.load(path, allow_pickle=False) for path in folder.glob("*.npy")}

    def documents(self, vectors: Dense) -> Dense:
        state = self._fitted()
        if self.dimensions is None:
            return vectors
        if vectors.values.shape[1] != len(state["mean"]):
            raise InputError(
                f"vectors of {vectors.values.shape[1]} dimensions, the components are of {len(state['mean'])}",
                "vectors of the same encoder and transforms",
            )
        require_finite(vectors.values, "the vector of text")
        found = (vectors.values.astype(np.float32, copy=False) - state["mean"]) @ state["components"]
        if self.normalise:
            lengths = np.linalg.norm(found, axis=1, keepdims=True)
            found /= np.where(lengths > 0, lengths, 1)
        return Dense(found)

    def queries(self, vectors: Dense) -> Dense:
        return self.documents(vectors)

    def _fitted(self) -> dict[str, NDArray[np.float32]]:
        if self._state is None:
            raise InputError("principal components before fit", "documents to fit to", "call fit or load first")
        return self._state
