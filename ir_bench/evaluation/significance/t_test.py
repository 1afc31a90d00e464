"""Paired t test of a mean difference."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ir_bench.evaluation.significance.values import checked, spread


@dataclass(frozen=True)
class TTest:
    """Two-sided `p` of `statistic`, and the interval [low, high] of the mean difference."""

    statistic: float
    p: float
    low: float
    high: float


def t_test(differences: ArrayLike, level: float = 0.95) -> TTest:
    """Student's paired t of `differences` [queries], with the interval of their mean.

    One query says nothing: statistic 0, p 1 and an infinite interval. Equal differences have no spread: statistic 0
    and p 1 where they are zero, else ±infinity and p 0; the interval is their value. Raises InputError for no
    differences and values that are not finite.
    Source: Student 1908, The Probable Error of a Mean.
    """
    from scipy.special import stdtr, stdtrit  # scipy.stats takes a second to import

    values = checked(differences, "differences")
    queries, mean, deviation = len(values), float(values.mean()), spread(values)
    if queries < 2:
        return TTest(0.0, 1.0, -math.inf, math.inf)
    if deviation == 0:
        same = not np.any(values)
        return TTest(0.0 if same else math.copysign(math.inf, mean), float(same), mean, mean)
    error = deviation / math.sqrt(queries)
    reach = float(stdtrit(queries - 1, (1 + level) / 2)) * error
    statistic = mean / error
    return TTest(statistic, float(2 * stdtr(queries - 1, -abs(statistic))), mean - reach, mean + reach)
