"""Counts of terms as the weights that a similarity such as BM25 gives them: lexical vectors like learned ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.protocols import Similarity
from ir_bench.shards import arrays_of, write_arrays
from ir_bench.types import Sparse, Strings


@dataclass
class WeighTerms:
    """Each document's counts become what a query that names the term once would get from it; queries stay counts.

    The inner product of both is then the similarity's score, so whatever takes sparse vectors (Seismic, slices,
    quantisation, Lucene's impact search) serves BM25 too. A term asked for twice counts twice, to rounding.
    Raises InputError for similarities that give absent terms a score, for texts that are not among the documents that
    it was fitted to (their lengths and terms), and before fit.
    """

    accepts: ClassVar[type] = Sparse
    produces: ClassVar[type] = Sparse

    similarity: Similarity
    _weights: dict[str, float] | None = field(default=None, init=False, repr=False, compare=False)
    _lengths: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), init=False, repr=False, compare=False)
    _norms: NDArray[np.floating] = field(default_factory=lambda: np.zeros(0), init=False, repr=False, compare=False)

    def fit(self, documents: Sparse) -> None:
        terms = documents.terms[documents.weights != 0]
        frequencies = np.bincount(terms, minlength=len(documents.vocabulary))
        lengths = _lengths(documents)
        weights = self.similarity.term_weights(frequencies, lengths)
        if np.any(self.similarity.absent(weights)):
            raise InputError(
                f"{type(self.similarity).__name__} gives documents a score for absent terms",
                "a similarity whose score is an inner product, such as lucene",
                "use retriever=bm25, whose index adds it",
            )
        self._weights = dict(zip(documents.vocabulary, np.asarray(weights, np.float64).tolist(), strict=True))
        self._lengths, places = np.unique(lengths, return_index=True)
        self._norms = np.asarray(self.similarity.length_norms(lengths))[places]  # of equal lengths they are equal

    def save(self, folder: Path) -> None:
        weights = self._fitted()
        names = arrays_of(Strings.of(weights))
        numbers = np.fromiter(weights.values(), np.float64, len(weights))
        write_arrays(folder, {**names, "weights": numbers, "lengths": self._lengths, "norms": self._norms})

    def load(self, folder: Path) -> None:
        read = {name: np.load(folder / f"{name}.npy") for name in ("data", "bounds", "weights", "lengths", "norms")}
        names = Strings(read["data"], read["bounds"])
        self._weights = dict(zip(names, read["weights"].tolist(), strict=True))
        self._lengths, self._norms = read["lengths"], read["norms"]

    def documents(self, vectors: Sparse) -> Sparse:
        known = self._fitted()
        table = np.array([known.get(term, np.nan) for term in vectors.vocabulary], np.float32)
        lengths = _lengths(vectors)
        places = np.minimum(np.searchsorted(self._lengths, lengths), len(self._lengths) - 1)
        weights = table[vectors.terms]
        if np.isnan(weights).any() or not np.array_equal(self._lengths[places], lengths):
            raise InputError("counts of other documents than those fitted to", "the same documents", "fit again")
        norms = np.repeat(self._norms[places], np.diff(vectors.offsets))
        impacts = self.similarity.impacts(weights, np.asarray(vectors.weights), norms)
        impacts = np.where(vectors.weights == 0, 0, impacts).astype(np.float32)
        return Sparse(vectors.terms, impacts, vectors.offsets, vectors.vocabulary)

    def queries(self, vectors: Sparse) -> Sparse:
        return vectors

    def _fitted(self) -> dict[str, float]:
        if self._weights is None:
            raise InputError("weights before fit", "documents to fit to", "call fit(documents) first")
        return self._weights


def _lengths(documents: Sparse) -> NDArray[np.float64]:
    texts = np.repeat(np.arange(len(documents)), np.diff(documents.offsets))
    return np.bincount(texts, documents.weights, minlength=len(documents)).astype(np.float64)
