"""Percentile bootstrap interval of a mean over queries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ir_bench.errors import InputError
from ir_bench.evaluation.significance.values import checked

RESAMPLES = 10_000
_AT_ONCE = 2_000_000  # drawn queries held at a time, some 24 MB
FEW = 8  # columns up to which gathering values is faster than counting draws


def interval(values: ArrayLike, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, float]:
    """The interval that holds `level` of the means of queries drawn with replacement from `values` [queries].

    The same seed draws the same queries, so that intervals over the same queries can be compared. Raises InputError
    for no values, values that are not finite and a level outside (0, 1).
    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 13.3.
    """
    return strata_interval([values], level, resamples, seed)


def strata_interval(
    strata: Sequence[ArrayLike],
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
    weights: Sequence[float] | None = None,
) -> tuple[float, float]:
    """The same for the mean of the means of `strata`, each [queries of it] being resampled on its own: CQADupStack's
    forums, or datasets. `weights` sum to one; all strata weigh the same by default. Raises InputError as `interval`
    does.
    """
    if not 0 < level < 1 or resamples < 1 or not len(strata):
        raise InputError(
            f"level {level}, {resamples} resamples, {len(strata)} sets of queries",
            "a level between 0 and 1, and at least one resample and one set",
        )
    random = np.random.default_rng(seed)
    shares = [1 / len(strata)] * len(strata) if weights is None else weights
    means = np.zeros(resamples)
    for stratum, share in zip(strata, shares, strict=True):
        values = checked(stratum, "values")
        # summing equal values in another order would round differently
        means += share * (
            values[0] if np.ptp(values) == 0 else resampled_means(values[:, None], resamples, random)[:, 0]
        )
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def resampled_means(columns: NDArray[np.float64], resamples: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Means of `columns` [queries, columns] over queries drawn with replacement [resamples, columns]."""
    queries = len(columns)
    kind = np.uint16 if queries <= 2**16 else np.uint32  # half the random bits where they suffice
    means = np.empty((resamples, columns.shape[1]))
    step = max(1, _AT_ONCE // queries)
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        drawn = random.integers(0, queries, (size, queries), kind)
        block = means[start : start + size]
        if columns.shape[1] <= FEW:
            for j, column in enumerate(columns.T):
                block[:, j] = np.ascontiguousarray(column).take(drawn).mean(axis=1)
        else:  # how often each query was drawn, times the values: one matrix product
            place = drawn + queries * np.arange(size)[:, None]
            counts = np.bincount(place.ravel(), minlength=size * queries).reshape(size, queries)
            block[:] = counts @ columns / queries
    return means
