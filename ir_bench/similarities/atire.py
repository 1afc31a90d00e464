"""BM25 of the ATIRE system: the plain inverse document frequency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclass
class AtireBM25:
    """ln(N / n) · (k1 + 1) tf / (tf + k1 (1 - b + b L / A)), with N, A over all documents.

    Source: Trotman, Jia and Crane, Towards an Efficient and Effective Search Engine, 2012;
    Kamphuis et al., Which BM25 Do You Mean?, 2020, Table 1.
    """

    takes_counts: ClassVar[bool] = True
    scales: ClassVar[bool] = True

    k1: float = 0.9
    b: float = 0.4

    def term_weights(self, frequencies: NDArray[np.int64], lengths: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log(len(lengths) / np.maximum(frequencies, 1))

    def length_norms(self, lengths: NDArray[np.float64]) -> NDArray[np.float64]:
        """k1 (1 - b + b L / A)."""
        return self.k1 * (1 - self.b + self.b * lengths / max(lengths.mean(), np.finfo(float).tiny))

    def impacts(
        self, term_weights: NDArray[np.floating], weights: NDArray[np.float32], norms: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        return term_weights * (self.k1 + 1) * weights / (weights + norms)

    def absent(self, term_weights: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.zeros(len(term_weights))
