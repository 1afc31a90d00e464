"""Inner product: the weights as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclass
class Dot:
    """sum_t q_t d_t, for learned weights (SPLADE, for one); weights of either sign."""

    takes_counts: ClassVar[bool] = False
    scales: ClassVar[bool] = True

    def term_weights(self, frequencies: NDArray[np.int64], lengths: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.ones(len(frequencies), np.float32)

    def length_norms(self, lengths: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.ones(len(lengths), np.float32)

    def impacts(
        self, term_weights: NDArray[np.floating], weights: NDArray[np.float32], norms: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        return weights

    def absent(self, term_weights: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.zeros(len(term_weights))
