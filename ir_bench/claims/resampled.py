"""Bootstrap over queries for any statistic of means: differences, ratios, correlations, recall at every depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ir_bench.evaluation.significance import bootstrap

RESAMPLES = bootstrap.RESAMPLES


def resampled_means(columns: NDArray[np.float64], seed: int, resamples: int = RESAMPLES) -> NDArray[np.float64]:
    """Means of `columns` [queries, columns] over queries drawn with replacement [resamples, columns]."""
    return bootstrap.resampled_means(columns, resamples, np.random.default_rng(seed))


def interval(
    datasets: Sequence[NDArray[np.float64]],
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    level: float,
    seed: int,
    resamples: int = RESAMPLES,
    weights: Sequence[float] | None = None,
) -> tuple[float, float, float]:
    """A statistic of the mean over datasets, and its percentile interval; each dataset's queries are drawn apart.

    `datasets`: per dataset, columns by query [queries, columns], the same columns in all. `statistic` maps means
    [n, columns] to values [n]. `weights` of the datasets sum to one; equal ones by default. Returns value, low, high.
    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 13.3 (percentile interval).
    """
    value = statistic(np.average([d.mean(axis=0) for d in datasets], axis=0, weights=weights)[None])[0]
    drawn = [resampled_means(d, seed + i, resamples) for i, d in enumerate(datasets)]
    means = np.average(drawn, axis=0, weights=weights)
    low, high = np.quantile(statistic(means), [(1 - level) / 2, (1 + level) / 2])
    return float(value), float(low), float(high)
