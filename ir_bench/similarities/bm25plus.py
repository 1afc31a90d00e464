"""BM25+: a lower bound for the contribution of a term that occurs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclass
class BM25Plus:
    """ln((N + 1) / n) · ((k1 + 1) tf / (tf + k1 (1 - b + b L / A)) + delta), with N, A over all documents.

    A document without the term gets the value at tf = 0, ln((N + 1) / n) · delta, so a document's score is the
    formula's, summed over all query terms that the collection knows; the constant changes no order.

    Source: Lv and Zhai, Lower-Bounding Term Frequency Normalization, 2011, equation 11, with delta = 1;
    Kamphuis et al., Which BM25 Do You Mean?, 2020, Table 1.
    """

    takes_counts: ClassVar[bool] = True
    scales: ClassVar[bool] = True

    k1: float = 0.9
    b: float = 0.4
    delta: float = 1.0

    def term_weights(self, frequencies: NDArray[np.int64], lengths: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log((len(lengths) + 1) / np.maximum(frequencies, 1))

    def length_norms(self, lengths: NDArray[np.float64]) -> NDArray[np.float64]:
        """k1 (1 - b + b L / A)."""
        return self.k1 * (1 - self.b + self.b * lengths / max(lengths.mean(), np.finfo(float).tiny))

    def impacts(
        self, term_weights: NDArray[np.floating], weights: NDArray[np.float32], norms: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        return term_weights * (self.k1 + 1) * weights / (weights + norms)

    def absent(self, term_weights: NDArray[np.floating]) -> NDArray[np.floating]:
        return term_weights * self.delta
