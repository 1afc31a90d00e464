"""How alike two systems order queries by their scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ir_bench.claims.finding import Finding
from ir_bench.claims.quantities.per_query import Cells, pair
from ir_bench.claims.resampled import RESAMPLES, resampled_means


def correlation(cells: Cells, measure: str, level: float, seed: int) -> Finding:
    """Pearson's correlation of a measure between roles `of` and `over` over queries, averaged over datasets, with its
    bootstrap interval. Raises InputError for results over different data."""
    values, shown, queries = [], {}, 0
    spread: NDArray[np.float64] = np.zeros(RESAMPLES)
    for i, (name, roles) in enumerate(cells.items()):
        x, y = pair(roles, measure).T
        moments = np.column_stack([x, y, x * x, y * y, x * y])
        values.append(_pearson(moments.mean(axis=0)[None])[0])
        spread += _pearson(resampled_means(moments, seed + i)) / len(cells)
        shown[name] = f"{values[-1]:.3f}"
        queries += len(x)
    low, high = np.quantile(spread, [(1 - level) / 2, (1 + level) / 2])
    return Finding(float(np.mean(values)), float(low), float(high), queries=queries, per_dataset=shown)


def _pearson(moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """From means of x, y, x², y² and xy [n, 5]; zero where one of them does not vary."""
    x, y, xx, yy, xy = moments.T
    scale = np.sqrt(np.maximum(xx - x * x, 0) * np.maximum(yy - y * y, 0))
    return np.divide(xy - x * y, scale, out=np.zeros_like(scale), where=scale > 1e-15)
