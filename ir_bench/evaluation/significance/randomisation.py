"""Paired randomisation test (Fisher's) of a mean difference."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ir_bench.errors import InputError
from ir_bench.evaluation.significance.values import checked

RESAMPLES = 100_000
_AT_ONCE = 4_000_000  # random bytes held at a time
_TIED = 1e-10  # sums this close, as a share of the sum of all differences, are equal but for rounding


def p_value(differences: ArrayLike, resamples: int = RESAMPLES, seed: int = 0) -> float:
    """Two-sided p of the mean of `differences` [queries], were the two systems' names arbitrary in each query.

    All sign patterns are counted where there are at most `resamples` of them, which makes p exact; otherwise
    (count + 1) / (resamples + 1) of random ones. Differences of zero change no pattern's sum and are left out. 1 where
    all are zero. Raises InputError for no differences and values that are not finite.
    Source: Smucker, Allan and Carterette 2007, A Comparison of Statistical Significance Tests for Information Retrieval
    Evaluation, section 3.1; the added one: Phipson and Smyth 2010.
    """
    if resamples < 1:
        raise InputError(f"{resamples} resamples", "at least one")
    values = checked(differences, "differences")
    values = values[values != 0]
    if not len(values):
        return 1.0
    tables = _tables(values)
    reached = abs(values.sum()) - _TIED * np.abs(values).sum()
    if len(values) < 63 and 2 ** len(values) <= resamples:
        patterns = np.arange(2 ** len(values), dtype="<u8").view(np.uint8).reshape(-1, 8).T[: len(tables)]
        return float(np.mean(np.abs(_sums(tables, patterns)) >= reached))
    random = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // len(tables))
    count = 0
    for start in range(0, resamples, step):
        signs = random.integers(0, 256, (len(tables), min(step, resamples - start)), np.uint8)
        count += int((np.abs(_sums(tables, signs)) >= reached).sum())
    return (count + 1) / (resamples + 1)


def _tables(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The signed sum of each eight values for each of the 256 sign patterns [ceil(values / 8), 256]."""
    padded = np.zeros(-(-len(values) // 8) * 8)
    padded[: len(values)] = values
    signs = 1.0 - 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[None], axis=0, bitorder="little")
    return padded.reshape(-1, 8) @ signs


def _sums(tables: NDArray[np.float64], patterns: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Sums [patterns] of differences whose signs are the bits of `patterns` [ceil(values / 8), patterns]."""
    sums = np.zeros(patterns.shape[1])
    for table, pattern in zip(tables, patterns, strict=True):
        sums += table.take(pattern)
    return sums
