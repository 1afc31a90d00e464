"""MUVERA: one vector per text whose inner product approximates MaxSim of the token vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels.fde import encode
from ir_bench.kernels.maxsim import one_thread_of_blas, stored_numbers
from ir_bench.scoring import require_dims
from ir_bench.types import Dense, MultiVector

Projection = Literal["sign", "count_sketch", "identity"]


@dataclass
class FixedDimensionalEncoding:
    """Token vectors [tokens, dims] to one vector [repetitions · 2^hyperplanes · columns] a text, in float32, so that
    the inner product of a query's and a document's is about `repetitions` times their MaxSim.

    In each repetition, random hyperplanes through the origin cut space into regions. A query's block of a region is the
    sum of its tokens there, zeros where it has none; a document's is their mean and, with `fill`, the token nearest by
    Hamming distance where it has none. `ties`: of several nearest tokens the first in the text ("first_token", as
    Google's code has it) or the first of the lowest-numbered region ("lowest_region", fastembed's). Blocks are
    projected to `columns` by `projection`: random signs divided by √columns ("sign", the paper's), one signed place for
    each input coordinate ("count_sketch", Google's AMS_SKETCH), or left alone ("identity"; also where `columns` is at
    least the dims). `final_dims`: a count sketch of the whole to so many, None for none. What is drawn depends on
    `seed` and the dims alone, and is the same for queries and documents.
    A text without tokens becomes zeros, whose every inner product is 0. The vectors must be compared by inner product:
    lengths matter, and are not normalised. Notes `tokens_encoded`.

    Source: Dhulipala, Hadian, Jayaram, Lee and Mirrokni 2024, MUVERA (arXiv 2405.19504), section 2.
    Differs: the factor 1/repetitions of the estimate is left out, as in Google's code; regions are numbered by their
    bits, not by Gray code, which permutes blocks alike for queries and documents.
    Raises InputError for settings out of range, for NaN and infinite values, and for queries of other dims than the
    documents that it was fitted to.
    """

    accepts: ClassVar[type] = MultiVector
    produces: ClassVar[type] = Dense

    repetitions: int = 20
    hyperplanes: int = 5
    columns: int = 16
    projection: Projection = "sign"
    fill: bool = True
    ties: Literal["first_token", "lowest_region"] = "first_token"
    final_dims: int | None = None
    seed: int = 0
    threads: int = field(default=1, metadata={"changes_results": False})
    _dims: int | None = field(default=None, init=False, repr=False, compare=False)  # of the documents
    _drawn: tuple[NDArray, NDArray, NDArray, NDArray] | None = field(
        default=None, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if (
            self.repetitions < 1
            or not 0 <= self.hyperplanes <= 16
            or self.columns < 1
            or (self.final_dims is not None and self.final_dims < 1)
        ):
            raise InputError(
                f"{self.repetitions} repetitions, {self.hyperplanes} hyperplanes, {self.columns} columns and "
                f"{self.final_dims} final dims",
                "repetitions, columns and final_dims of at least 1, 0 to 16 hyperplanes",
            )
        if self.projection not in ("sign", "count_sketch", "identity") or self.ties not in (
            "first_token",
            "lowest_region",
        ):
            raise InputError(
                f"projection {self.projection!r} and ties {self.ties!r}",
                "projection=sign, count_sketch or identity; ties=first_token or lowest_region",
            )

    def provenance(self) -> Mapping[str, object]:
        """Names what a seed draws: encodings kept from a numpy that draws other numbers are not compared with."""
        drawn = np.random.default_rng([self.seed, 0]).standard_normal(64, np.float32)
        return {"draws": hashlib.sha256(np.round(drawn, 4).tobytes()).hexdigest()[:12]}

    def fit(self, documents: MultiVector) -> None:
        self._dims = documents.values.shape[1]

    def documents(self, vectors: MultiVector) -> Dense:
        return self._encoded(vectors, "document", mean=True, fill=self.fill)

    def queries(self, vectors: MultiVector) -> Dense:
        if self._dims is not None:  # encodings of both have equal lengths
            require_dims(vectors, self._dims)
        return self._encoded(vectors, "query", mean=False, fill=False)

    def _encoded(self, vectors: MultiVector, what: str, mean: bool, fill: bool) -> Dense:
        dims = vectors.values.shape[1]
        hyperplanes, projections, sketch, signs = self._matrices(dims)
        identity = projections.shape[1] == 0
        whole = self.repetitions * 2**self.hyperplanes * (dims if identity else self.columns)
        encodings = np.empty((len(vectors), self.final_dims or whole), np.float32)
        singles, halves = stored_numbers(vectors.values)
        offsets = np.ascontiguousarray(vectors.offsets)

        def some(first: int, after: int) -> None:
            lowest = self.ties == "lowest_region"
            bad = encode(
                singles, halves, offsets[first : after + 1], hyperplanes, projections, identity, mean, fill, lowest,
                sketch, signs, encodings[first:after],
            )  # fmt: skip
            if bad >= 0:
                raise InputError(
                    f"a vector of {what} {first + bad} has NaN or infinite values",
                    "finite numbers",
                    "check the encoder and its number format (float16 overflows)",
                )

        cuts = [i * len(vectors) // self.threads for i in range(self.threads + 1)]
        with one_thread_of_blas():
            if self.threads > 1:
                with ThreadPoolExecutor(self.threads) as pool:
                    list(pool.map(some, cuts[:-1], cuts[1:]))
            else:
                some(0, len(vectors))
        cost.note("tokens_encoded", len(vectors.values))
        return Dense(encodings)

    def _matrices(self, dims: int) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        """Hyperplanes [dims, repetitions · k], projections [repetitions, dims, columns] (of no dims for the identity),
        places and signs of the final sketch [repetitions · regions · columns] (empty for none)."""
        if self._drawn is not None and len(self._drawn[0]) == dims:
            return self._drawn
        identity = self.projection == "identity" or self.columns >= dims
        planes, projections = [], []
        for repetition in range(self.repetitions):
            random = np.random.default_rng([self.seed, 1, repetition])
            planes.append(random.standard_normal((dims, self.hyperplanes), np.float32))
            if identity:
                projections.append(np.empty((0, 0), np.float32))
            elif self.projection == "sign":
                signs = random.integers(0, 2, (dims, self.columns)) * 2 - 1
                projections.append((signs / np.sqrt(self.columns)).astype(np.float32))
            else:
                sketch = np.zeros((dims, self.columns), np.float32)
                sketch[np.arange(dims), random.integers(0, self.columns, dims)] = random.integers(0, 2, dims) * 2 - 1
                projections.append(sketch)
        places, signs = np.empty(0, np.int64), np.empty(0, np.float32)
        if self.final_dims is not None:
            whole = self.repetitions * 2**self.hyperplanes * (dims if identity else self.columns)
            random = np.random.default_rng([self.seed, 2])
            places = random.integers(0, self.final_dims, whole)
            signs = (random.integers(0, 2, whole) * 2 - 1).astype(np.float32)
        self._drawn = np.ascontiguousarray(np.hstack(planes)), np.stack(projections), places, signs
        return self._drawn
