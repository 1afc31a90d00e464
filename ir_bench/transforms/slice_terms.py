"""A bag of terms folded into a short dense vector by slices of the vocabulary (DSR, DLR)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.shards import arrays_of, write_arrays
from ir_bench.types import Gated, Sparse, Strings


@dataclass
class SliceTerms:
    """The largest weight of each of `slices` parts of the vocabulary and the term it is of; the others are lost.

    The documents' terms are ranked by document frequency, most frequent first as in a WordPiece vocabulary. `rule`
    "stride" puts term r into slice r mod slices, so that frequent terms are spread; "contiguous" cuts the ranked terms
    into slices of equal length. Of equal weights the more frequent term stays. Terms that no document has are left out.
    With at least as many slices as terms nothing is lost, and the gated inner product is the inner product.

    Source: Lin and Lin 2023, A Dense Representation Framework for Lexical and Semantic Matching (Densified lexical
    representations), and Densifying Sparse Representations for Passage Retrieval by Representational Slicing (2021).
    Raises InputError for less than one slice and for negative weights, of which the largest means nothing.
    """

    accepts: ClassVar[type] = Sparse
    produces: ClassVar[type] = Gated

    slices: int = 768
    rule: Literal["stride", "contiguous"] = "stride"
    dtype: Literal["float32", "float16"] = "float32"
    _ranks: dict[str, int] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.slices < 1 or self.rule not in ("stride", "contiguous"):
            raise InputError(f"{self.slices} slices by {self.rule!r}", "at least 1, by stride or contiguous")

    def fit(self, documents: Sparse) -> None:
        named = documents.terms[documents.weights != 0]
        frequencies = np.bincount(named, minlength=len(documents.vocabulary))
        used = np.flatnonzero(frequencies)
        names = documents.vocabulary.take(used)
        order = sorted(range(len(used)), key=lambda i: (-int(frequencies[used[i]]), names[i]))
        self._ranks = {names[i]: rank for rank, i in enumerate(order)}

    def save(self, folder: Path) -> None:
        write_arrays(folder, arrays_of(Strings.of(self._fitted())))

    def load(self, folder: Path) -> None:
        names = Strings(np.load(folder / "data.npy"), np.load(folder / "bounds.npy"))
        self._ranks = {name: rank for rank, name in enumerate(names)}

    def documents(self, vectors: Sparse) -> Gated:
        return self._folded(vectors)

    def queries(self, vectors: Sparse) -> Gated:
        return self._folded(vectors)

    def _folded(self, vectors: Sparse) -> Gated:
        if len(vectors.weights) and not vectors.weights.min() >= 0:
            raise InputError("vectors have negative or undefined weights", "weights of at least 0")
        ranks = self._fitted()
        table = np.array([ranks.get(term, -1) for term in vectors.vocabulary], np.int64)
        rank, text = table[vectors.terms], np.repeat(np.arange(len(vectors)), np.diff(vectors.offsets))
        known = (rank >= 0) & (vectors.weights != 0)
        rank, text, weights = rank[known], text[known], vectors.weights[known]
        places, inside = self._place(rank, len(ranks))
        order = np.lexsort((-rank, weights))  # the largest of a slice last, of equal ones the more frequent
        values = np.zeros((len(vectors), self.slices), self.dtype)
        gates = np.zeros((len(vectors), self.slices), np.int32 if len(ranks) > 1 << 15 else np.int16)
        values[text[order], places[order]] = weights[order]
        gates[text[order], places[order]] = inside[order]
        return Gated(values, gates)

    def _place(self, ranks: NDArray[np.int64], terms: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The slice of each term, and its number there."""
        if self.rule == "stride":
            return ranks % self.slices, ranks // self.slices
        length = -(-terms // self.slices)
        return ranks // max(1, length), ranks % max(1, length)

    def _fitted(self) -> dict[str, int]:
        if self._ranks is None:
            raise InputError("slices before fit", "documents to fit to", "call fit(documents) first")
        return self._ranks
