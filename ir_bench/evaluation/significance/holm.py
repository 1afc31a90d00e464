"""Holm's correction of many p values."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ir_bench.errors import InputError


def adjusted(p_values: ArrayLike) -> NDArray[np.float64]:
    """Step-down adjusted p values [tests]: those at most alpha are rejected with a family-wise error of alpha.

    Raises InputError for NaN and values outside [0, 1].
    Source: Holm 1979, A Simple Sequentially Rejective Multiple Test Procedure.
    """
    p = np.asarray(p_values, np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():  # NaN fails both comparisons
        raise InputError(f"{p.tolist()} are no p values", "a list of numbers from 0 to 1", "look at the tests' input")
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    result = np.empty(len(p))
    result[order] = np.minimum(steps, 1)
    return result
