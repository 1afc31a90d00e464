"""Token vectors as they are after compression to a centroid and a few bits a dimension."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from ir_bench import cost
from ir_bench.kernels.residual import Codec, require_bits
from ir_bench.shards import write_arrays
from ir_bench.types import MultiVector


@dataclass
class ResidualCodec:
    """Document vectors [tokens, dims] compressed to `bits` a dimension and decompressed; queries untouched.

    To see what the codes alone cost: `index=plaid` keeps the codes themselves. `bits: null` changes nothing.
    `centroids`: None is 16 times the square root of the number of tokens, rounded down to a power of 2.
    `renormalise`: decompressed vectors get length 1. Notes `compressed_bytes`: 4 and dims * bits / 8 for each token.

    Source: Santhanam et al. 2022, ColBERTv2 (arXiv 2112.01488), section 3.3.
    Raises InputError for bits other than 1, 2, 4, 8, documents without a single token, other dims than those fitted,
    and NaN and infinite values.
    """

    accepts: ClassVar[type] = MultiVector
    produces: ClassVar[type] = MultiVector

    bits: int | None = 2
    centroids: int | None = None
    iterations: int = 4
    training_tokens: int = 1 << 20
    seed: int = 0
    renormalise: bool = True
    _codec: Codec | None = field(default=None, init=False, repr=False, compare=False)

    def fit(self, documents: MultiVector) -> None:
        if self.bits is not None:
            require_bits(self.bits)
            settings = self.centroids, self.bits, self.iterations, self.training_tokens, self.seed
            self._codec = Codec.trained(documents, *settings)

    def save(self, folder: Path) -> None:
        write_arrays(folder, {} if self._codec is None else self._codec.arrays())

    def load(self, folder: Path) -> None:
        if self.bits is not None:
            names = "centroids", "cutoffs", "weights"
            self._codec = Codec(*(np.load(folder / f"{name}.npy", allow_pickle=False) for name in names))

    def documents(self, vectors: MultiVector) -> MultiVector:
        if self.bits is None or not len(vectors.values):
            return vectors
        assert self._codec is not None, "fit or load comes first"
        parts = []
        for codes, packed in self._codec.encoded(vectors):
            cost.note("compressed_bytes", codes.nbytes + packed.nbytes)
            parts.append(self._codec.decoded(codes, packed, self.renormalise).astype(vectors.values.dtype))
        return MultiVector(np.concatenate(parts), vectors.offsets, vectors.tokens, vectors.vocabulary)

    def queries(self, vectors: MultiVector) -> MultiVector:
        return vectors
