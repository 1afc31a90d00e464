"""BM25 as Lucene computes it, to the last bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError


@dataclass
class LuceneBM25:
    """ln(1 + (N - n + 0.5) / (n + 0.5)) · tf / (tf + k1 (1 - b + b L / A)), in Lucene's float32 arithmetic.

    The length L of a document is kept in one byte, so a long one is shortened by up to 11%; the average A is that of
    the lengths before, over the N documents that are not empty. A query term that occurs c times multiplies the
    inverse document frequency by c before the score is rounded. Raises InputError for weights that are not counts.

    Source: Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009, and Lucene 9.9, BM25Similarity and
    SmallFloat. Differs: no factor k1 + 1, as in Lucene since its version 8.
    """

    takes_counts: ClassVar[bool] = True
    scales: ClassVar[bool] = False

    k1: float = 0.9
    b: float = 0.4

    def term_weights(self, frequencies: NDArray[np.int64], lengths: NDArray[np.float64]) -> NDArray[np.float32]:
        documents = np.count_nonzero(lengths)
        return np.log(1 + (documents - frequencies + 0.5) / (frequencies + 0.5)).astype(np.float32)

    def length_norms(self, lengths: NDArray[np.float64]) -> NDArray[np.floating]:
        """The reciprocal of k1 (1 - b + b L / A)."""
        if (lengths != np.rint(lengths)).any():
            raise InputError("LuceneBM25 got term weights that are not whole", "counts of terms", "use similarity=dot")
        one, k1, b = np.float32(1), np.float32(self.k1), np.float32(self.b)
        average = np.float32(lengths.sum() / max(1, np.count_nonzero(lengths)))
        with np.errstate(divide="ignore", invalid="ignore"):  # k1 = 0, and a collection of empty documents
            return one / (k1 * ((one - b) + b * stored_lengths(lengths).astype(np.float32) / average))

    def impacts(
        self, term_weights: NDArray[np.floating], weights: NDArray[np.float32], norms: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        return term_weights - term_weights / (np.float32(1) + weights * norms)

    def absent(self, term_weights: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.zeros(len(term_weights))


def stored_lengths(lengths: NDArray[np.floating]) -> NDArray[np.int64]:
    """Lengths as they come back from Lucene's byte: exact below 40, then 24 plus four significant bits of the rest."""
    whole = lengths.astype(np.int64)
    above = np.maximum(whole - 24, 0)
    shift = np.maximum(np.frexp(above)[1] - 4, 0)
    return np.where(whole < 24, whole, 24 + ((above >> shift) << shift))
