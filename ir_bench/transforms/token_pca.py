"""Token vectors of fewer dimensions: the directions in which document tokens are longest."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.kernels.half import single
from ir_bench.scoring import require_finite
from ir_bench.shards import write_arrays
from ir_bench.types import MultiVector

TOKENS = 65_536


@dataclass
class TokenPCA:
    """Token vectors of documents and queries on the `dims` principal directions of document tokens, at length 1 again
    where `renormalise` says so.

    The directions are eigenvectors of the uncentred second moments of at most `training_tokens`, sampled with `seed`:
    the same linear map serves queries and documents, and with all dims inner products stay. `dims: null` changes
    nothing. Sets of nested dims share their first directions, as Matryoshka dimensions do.
    Raises InputError for dims below 1 or above those that the vectors have, documents without a single token, NaN and
    infinite values, and vectors of other dims than those fitted.
    """

    accepts: ClassVar[type] = MultiVector
    produces: ClassVar[type] = MultiVector

    dims: int | None = 128
    renormalise: bool = True
    training_tokens: int = 1 << 20
    seed: int = 0
    _directions: NDArray[np.float32] | None = field(default=None, init=False, repr=False, compare=False)

    def fit(self, documents: MultiVector) -> None:
        if self.dims is None:
            return
        total, width = documents.values.shape
        if not 1 <= self.dims <= width or total == 0:
            raise InputError(
                f"{self.dims} dimensions are asked of {total} token vectors of {width}",
                f"at least one vector, and from 1 to {width} dimensions",
                "change transforms.….dims",
            )
        rows = np.arange(total)
        if total > self.training_tokens:
            rows = np.sort(np.random.default_rng(self.seed).choice(total, self.training_tokens, replace=False))
        moments = np.zeros((width, width))
        for start in range(0, len(rows), TOKENS):
            block = single(documents.values[rows[start : start + TOKENS]])
            if not np.isfinite(block.sum()):
                require_finite(documents.values, "a vector of document", documents.offsets)
            moments += block.T @ block
        directions = np.linalg.eigh(moments)[1][:, ::-1][:, : self.dims]
        largest = np.argmax(np.abs(directions), axis=0)  # signs that do not depend on the solver
        signs = np.sign(directions[largest, np.arange(self.dims)])
        self._directions = (directions * signs).astype(np.float32)

    def save(self, folder: Path) -> None:
        write_arrays(folder, {} if self._directions is None else {"directions": self._directions})

    def load(self, folder: Path) -> None:
        if self.dims is not None:
            self._directions = np.load(folder / "directions.npy", allow_pickle=False)

    def documents(self, vectors: MultiVector) -> MultiVector:
        if self.dims is None:
            return vectors
        assert self._directions is not None, "fit or load comes first"
        if vectors.values.shape[1] != len(self._directions):
            raise InputError(
                f"vectors have {vectors.values.shape[1]} dimensions, those fitted had {len(self._directions)}",
                "token vectors of one model",
                "encode queries and documents with the same encoder",
            )
        values = single(vectors.values) @ self._directions
        if self.renormalise:
            lengths = np.linalg.norm(values, axis=1, keepdims=True)
            values = values / np.where(lengths > 0, lengths, 1)
        values = values.astype(vectors.values.dtype)
        return MultiVector(values, vectors.offsets, vectors.tokens, vectors.vocabulary)

    queries = documents
