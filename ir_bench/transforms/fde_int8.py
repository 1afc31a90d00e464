"""MUVERA's encodings of token vectors that are rounded to 8 bits, by products of whole numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels.fde import encode, encode_products
from ir_bench.kernels.maxsim import one_thread_of_blas, quantised
from ir_bench.scoring import require_dims
from ir_bench.types import Dense, MultiVector

TOKENS = 2048  # multiplied at once; torch prepares for each number of rows, so it is always a multiple
WIDTHS = 8  # columns of a product are padded to a multiple
SPREAD = 32  # the hyperplanes' standard deviation before they are rounded to whole numbers of at most 127


@dataclass
class Int8Encoding:
    """Token vectors [tokens, dims] to one vector [repetitions · 2^hyperplanes · columns] a text, in float32: what
    `FixedDimensionalEncoding` computes with random signs as its projection, with document tokens rounded to 8 bits
    (one scale a token) and with random hyperplanes of whole numbers, so that processors with 8-bit instructions
    multiply several times faster.

    Encodings are those of the rounded tokens up to float32; queries are not rounded. All tokens are projected before
    they are added up, which for whole numbers is exact. Other settings mean what they do there. A text without tokens
    becomes zeros. Compare by inner product. Notes `tokens_encoded`.
    Source: Dhulipala et al. 2024, MUVERA (arXiv 2405.19504), section 2.
    Differs: hyperplanes are normal numbers times 32, rounded; nothing is said of 8-bit tokens there.
    Raises InputError for settings out of range, for NaN and infinite values, and for queries of other dims than the
    documents that it was fitted to.
    """

    accepts: ClassVar[type] = MultiVector
    produces: ClassVar[type] = Dense

    repetitions: int = 20
    hyperplanes: int = 5
    columns: int = 16
    fill: bool = True
    seed: int = 0
    _dims: int | None = field(default=None, init=False, repr=False, compare=False)  # of the documents
    _drawn: NDArray[np.int8] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.repetitions < 1 or not 0 <= self.hyperplanes <= 16 or self.columns < 1:
            raise InputError(
                f"{self.repetitions} repetitions, {self.hyperplanes} hyperplanes and {self.columns} columns",
                "repetitions and columns of at least 1, 0 to 16 hyperplanes",
            )

    def provenance(self) -> Mapping[str, object]:
        """Names what a seed draws: encodings kept from a numpy that draws other numbers are not compared with."""
        return {"draws": hashlib.sha256(_drawn(self.seed, 16, 4, 4).tobytes()).hexdigest()[:12]}

    def fit(self, documents: MultiVector) -> None:
        self._dims = documents.values.shape[1]

    def documents(self, vectors: MultiVector) -> Dense:
        if not np.isfinite(vectors.values).all():
            _require_finite(vectors, "document")
        encodings = np.empty((len(vectors), self._size), np.float32)
        for span in _texts(vectors.offsets):
            some = vectors[span]
            encodings[span] = self.rounded_documents(*quantised(some.values), some.offsets).values
        return Dense(encodings)

    def rounded_documents(
        self, numbers: NDArray[np.int8], scales: NDArray[np.float32], offsets: NDArray[np.int64]
    ) -> Dense:
        """Encodings of tokens that are kept in 8 bits: `numbers` [tokens, dims] times `scales` [tokens]."""
        import torch

        drawn = self._matrix(numbers.shape[1])
        right = torch.from_numpy(drawn)
        encodings = np.empty((len(offsets) - 1, self._size), np.float32)
        room = torch.empty((0, drawn.shape[1]), dtype=torch.int32)
        padded = np.zeros((0, numbers.shape[1]), np.int8)
        for span in _texts(offsets):
            a, b = int(offsets[span.start]), int(offsets[span.stop])
            height = -(-(b - a) // TOKENS) * TOKENS
            if height > len(room):
                room = torch.empty((height, drawn.shape[1]), dtype=torch.int32)
                padded = np.zeros((height, numbers.shape[1]), np.int8)
            padded[: b - a] = numbers[a:b]
            for i in range(0, height, TOKENS):
                torch._int_mm(torch.from_numpy(padded[i : i + TOKENS]), right, out=room[i : i + TOKENS])
            encode_products(
                room.numpy(), scales[a:b], offsets[span.start : span.stop + 1] - a, self.repetitions, self.hyperplanes,
                self.columns, np.float32(np.sqrt(self.columns)), self.fill, encodings[span],
            )  # fmt: skip
        cost.note("tokens_encoded", len(numbers))
        return Dense(encodings)

    def queries(self, vectors: MultiVector) -> Dense:
        if self._dims is not None:  # encodings of both have equal lengths
            require_dims(vectors, self._dims)
        _require_finite(vectors, "query")
        values, encodings = vectors.values.astype(np.float32), np.empty((len(vectors), self._size), np.float32)
        planes, projections = self.matrices(values.shape[1])
        nothing = np.empty((0, values.shape[1]), np.uint16)
        with one_thread_of_blas():
            encode(
                values, nothing, np.ascontiguousarray(vectors.offsets), planes, projections, False, False, False, False,
                np.empty(0, np.int64), np.empty(0, np.float32), encodings,
            )  # fmt: skip
        cost.note("tokens_encoded", len(values))
        return Dense(encodings)

    def matrices(self, dims: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Hyperplanes [dims, repetitions · hyperplanes] and projections [repetitions, dims, columns] in float32."""
        both = self._matrix(dims).astype(np.float32)
        cut = self.repetitions * self.hyperplanes
        signs = both[:, cut : cut + self.repetitions * self.columns].reshape(dims, self.repetitions, self.columns)
        projections = np.ascontiguousarray(signs.transpose(1, 0, 2)) / np.float32(np.sqrt(self.columns))
        return np.ascontiguousarray(both[:, :cut]), projections

    @property
    def _size(self) -> int:
        return self.repetitions * 2**self.hyperplanes * self.columns

    def _matrix(self, dims: int) -> NDArray[np.int8]:
        if self._drawn is None or len(self._drawn) != dims:
            self._drawn = _drawn(self.seed, dims, self.repetitions * self.hyperplanes, self.repetitions * self.columns)
        return self._drawn


def _drawn(seed: int, dims: int, planes: int, signs: int) -> NDArray[np.int8]:
    """Whole-number hyperplanes, then signs, then zeros up to a multiple of `WIDTHS`: [dims, columns]."""
    random = np.random.default_rng([seed, 3])
    both = np.zeros((dims, -(-(planes + signs) // WIDTHS) * WIDTHS), np.int8)
    both[:, :planes] = np.rint(random.standard_normal((dims, planes), np.float32) * SPREAD).clip(-127, 127)
    both[:, planes : planes + signs] = random.integers(0, 2, (dims, signs)) * 2 - 1
    return both


def _texts(offsets: NDArray[np.int64]) -> Iterator[slice]:
    """Spans of texts of together at most `TOKENS` tokens, or of one longer text."""
    start, count = 0, len(offsets) - 1
    while start < count:
        stop = int(np.searchsorted(offsets, offsets[start] + TOKENS, side="right")) - 1
        stop = min(max(stop, start + 1), count)
        yield slice(start, stop)
        start = stop


def _require_finite(vectors: MultiVector, what: str) -> None:
    finite = np.isfinite(vectors.values).all(axis=1)
    if not finite.all():
        row = int(np.searchsorted(vectors.offsets, np.argmin(finite), side="right")) - 1
        raise InputError(
            f"a vector of {what} {row} has NaN or infinite values",
            "finite numbers",
            "check the encoder and its number format (float16 overflows)",
        )
