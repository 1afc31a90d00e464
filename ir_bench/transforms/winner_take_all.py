"""Token vectors as winners among very many dimensions, pooled over a text and made binary: UHD-BERT's codes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.checkpoints import OF_QUERIES
from ir_bench.errors import InputError
from ir_bench.kernels.bags import largest, pooled
from ir_bench.kernels.half import single
from ir_bench.kernels.winners import winners
from ir_bench.scoring import require_finite
from ir_bench.types import MultiVector, Sparse, Strings

PRODUCTS = 1 << 23  # at once: 32 MiB


@dataclass
class WinnerTakeAll:
    """Token vectors [tokens, dims] projected to `dimensions`, of which each token keeps the `k` largest that are above
    zero; a text has the largest value of each dimension over its tokens [texts, dimensions].

    `binary`: every value that stays is 1, so that scores count common dimensions. `document_keep`, `query_keep`: only
    so many largest values of a text stay, before they are made 1. `centre` takes the mean vector of all document tokens
    from every token first. The projection is Gaussian, drawn with `seed`, or the tensor `projection` [dims,
    dimensions] of a safetensors file. Notes `tokens_read`.

    Source: Jang et al. 2021, Ultra-High Dimensional Sparse Representations with Binarization for Efficient Text
    Retrieval, section 3. Differs: one layer (bucket), and a projection that is not trained unless one is given.
    Raises InputError for sizes below 1, a projection that does not fit, other dims than those of `fit`, and NaN and
    infinite values.
    """

    accepts: ClassVar[type] = MultiVector
    produces: ClassVar[type] = Sparse

    dimensions: int = 32768
    k: int = 32
    binary: bool = True
    centre: bool = True
    document_keep: int | None = None
    query_keep: int | None = field(default=None, metadata=OF_QUERIES)
    projection: str | None = field(default=None, metadata={"changes_results": False})  # provenance() names its content
    seed: int = 0
    _matrix: NDArray[np.float32] | None = field(default=None, init=False, repr=False, compare=False)
    _mean: NDArray[np.float32] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if min(self.dimensions, self.k, self.document_keep or 1, self.query_keep or 1) < 1 or self.k > self.dimensions:
            raise InputError(
                f"{self.k} winners of {self.dimensions} dimensions, keeping {self.document_keep} of a document and "
                f"{self.query_keep} of a query",
                "at least 1 each, and no more winners than dimensions",
            )

    def provenance(self) -> Mapping[str, object]:
        if self.projection is None:
            return {}
        return {"projection": hashlib.sha256(self._file().read_bytes()).hexdigest()}

    def fit(self, documents: MultiVector) -> None:
        dims = documents.values.shape[1]
        self._matrix = self._given(dims) if self.projection is not None else self._drawn(dims)
        total = np.zeros(dims)
        if self.centre:
            for start in range(0, len(documents.values), 1 << 16):
                total += single(documents.values[start : start + (1 << 16)]).sum(0, dtype=np.float64)
        self._mean = (total / max(len(documents.values), 1)).astype(np.float32)

    def documents(self, vectors: MultiVector) -> Sparse:
        return self._codes(vectors, "document", self.document_keep)

    def queries(self, vectors: MultiVector) -> Sparse:
        return self._codes(vectors, "query", self.query_keep)

    def _codes(self, vectors: MultiVector, what: str, keep: int | None) -> Sparse:
        if self._matrix is None or self._mean is None:
            raise InputError("winners before fit", "documents to fit to", "call fit(documents) first")
        dims, dimensions = self._matrix.shape
        if vectors.values.shape[1] != dims:
            raise InputError(
                f"vectors of {vectors.values.shape[1]} dimensions, the projection takes {dims}",
                "vectors of the same encoder and transforms",
            )
        require_finite(vectors.values, f"a vector of {what}", vectors.offsets)
        cost.note("tokens_read", len(vectors.values))
        rows = max(1, PRODUCTS // dimensions)
        terms, values = np.empty((len(vectors.values), self.k), np.int32), np.empty((len(vectors.values), self.k), "f4")
        for start in range(0, len(terms), rows):
            some = slice(start, start + rows)
            terms[some], values[some] = winners((single(vectors.values[some]) - self._mean) @ self._matrix, self.k)
        owners = np.repeat(np.arange(len(vectors)), self.k * np.diff(vectors.offsets))
        above = values.ravel() > 0
        bags = pooled(owners[above], terms.ravel()[above], values.ravel()[above], len(vectors))
        if keep is not None:
            bags = largest(*bags, keep)
        found, weights, offsets = bags
        weights = np.ones_like(weights) if self.binary else weights
        return Sparse(found, weights, offsets, Strings.of(map(str, range(dimensions))))

    def _drawn(self, dims: int) -> NDArray[np.float32]:
        drawn = np.random.default_rng(self.seed)
        return drawn.standard_normal((dims, self.dimensions), np.float32) / np.float32(np.sqrt(dims))

    def _given(self, dims: int) -> NDArray[np.float32]:
        from safetensors.numpy import load_file

        tensor = load_file(self._file()).get("projection")
        if tensor is None or tensor.shape != (dims, self.dimensions):
            found = "no tensor of that name" if tensor is None else f"one of shape {list(tensor.shape)}"
            raise InputError(
                f"{self.projection} has {found}",
                f"a tensor `projection` [{dims}, {self.dimensions}]",
                "correct transform.projection or transform.dimensions",
            )
        return tensor.astype(np.float32)

    def _file(self) -> Path:
        path = Path(self.projection or "").expanduser()
        if not path.is_file():
            raise InputError(f"there is no file {path}", "a safetensors file", "correct transform.projection")
        return path
