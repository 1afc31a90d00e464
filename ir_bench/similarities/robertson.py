"""BM25 with the inverse document frequency of Robertson and Spärck Jones, kept from going below zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclass
class RobertsonBM25:
    """max(0, ln((N - n + 0.5) / (n + 0.5))) · tf / (tf + k1 (1 - b + b L / A)), with N, A over all documents.

    Source: Robertson et al., Okapi at TREC-3, 1994; Kamphuis et al., Which BM25 Do You Mean?, 2020, Table 1.
    Differs: no factor k1 + 1, which changes no order; a term in more than half of the documents counts 0, not less.
    """

    takes_counts: ClassVar[bool] = True
    scales: ClassVar[bool] = True

    k1: float = 0.9
    b: float = 0.4

    def term_weights(self, frequencies: NDArray[np.int64], lengths: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log(np.maximum((len(lengths) - frequencies + 0.5) / (frequencies + 0.5), 1))

    def length_norms(self, lengths: NDArray[np.float64]) -> NDArray[np.float64]:
        """k1 (1 - b + b L / A)."""
        return self.k1 * (1 - self.b + self.b * lengths / max(lengths.mean(), np.finfo(float).tiny))

    def impacts(
        self, term_weights: NDArray[np.floating], weights: NDArray[np.float32], norms: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        return term_weights * weights / (weights + norms)

    def absent(self, term_weights: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.zeros(len(term_weights))
