"""BM25L: kinder to long documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclass
class BM25L:
    """ln((N + 1) / (n + 0.5)) · (k1 + 1)(c + delta) / (k1 + c + delta), c = tf / (1 - b + b L / A).

    N, A over all documents. A document without the term gets the value at c = 0, so a document's score is the
    formula's, summed over all query terms that the collection knows.

    Source: Lv and Zhai, When Documents Are Very Long, BM25 Fails!, 2011, equation 6, with delta = 0.5;
    Kamphuis et al., Which BM25 Do You Mean?, 2020, Table 1.
    """

    takes_counts: ClassVar[bool] = True
    scales: ClassVar[bool] = True

    k1: float = 0.9
    b: float = 0.4
    delta: float = 0.5

    def term_weights(self, frequencies: NDArray[np.int64], lengths: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log((len(lengths) + 1) / (frequencies + 0.5))

    def length_norms(self, lengths: NDArray[np.float64]) -> NDArray[np.float64]:
        """1 - b + b L / A."""
        return 1 - self.b + self.b * lengths / max(lengths.mean(), np.finfo(float).tiny)

    def impacts(
        self, term_weights: NDArray[np.floating], weights: NDArray[np.float32], norms: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        saturated = weights / norms + self.delta
        return term_weights * (self.k1 + 1) * saturated / (self.k1 + saturated) - self.absent(term_weights)

    def absent(self, term_weights: NDArray[np.floating]) -> NDArray[np.floating]:
        return term_weights * (self.k1 + 1) * self.delta / (self.k1 + self.delta)
