"""Bootstrap intervals of many means over the same queries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ir_bench.evaluation.significance.bootstrap import RESAMPLES

_AT_ONCE = 2_000_000  # drawn queries held at a time: the blocks of `interval`, so that the same queries are drawn


def intervals(values: NDArray[np.float64], level: float = 0.95) -> NDArray[np.float64]:
    """Lower and upper ends [columns, 2] for each column of `values` [queries, columns].

    Each is what `significance.bootstrap.interval` gives for the column alone: it draws the same queries for the same
    seed, so all columns can share one draw, and their resampled means are one product of matrices.
    """
    queries, columns = values.shape
    random = np.random.default_rng(0)
    kind = np.uint16 if queries <= 2**16 else np.uint32
    means = np.empty((RESAMPLES, columns))
    step = max(1, _AT_ONCE // queries)
    for start in range(0, RESAMPLES, step):
        size = min(step, RESAMPLES - start)
        drawn = random.integers(0, queries, (size, queries), kind).astype(np.int64)
        drawn += queries * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * queries).reshape(size, queries)
        means[start : start + size] = counts.astype(np.float64) @ values
    return np.quantile(means / queries, [(1 - level) / 2, (1 + level) / 2], axis=0).T
