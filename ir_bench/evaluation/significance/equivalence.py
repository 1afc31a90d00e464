"""Test that a mean difference is small: two one-sided t tests (TOST)."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from ir_bench.errors import InputError
from ir_bench.evaluation.significance.values import checked, spread


def p_value(differences: ArrayLike, margin: float) -> float:
    """p of "the true mean of `differences` [queries] is not within ±`margin`": the larger of two one-sided paired t
    tests; a small p says that the two systems are equivalent up to the margin.

    1 for one query; where the differences do not vary, 0 within the margin and 1 outside. Raises InputError for no
    differences, values that are not finite and a margin that is not above zero.
    Source: Schuirmann 1987, A Comparison of the Two One-Sided Tests Procedure and the Power Approach.
    """
    from scipy.special import stdtr

    if not 0 < margin < math.inf:
        raise InputError(f"the margin is {margin}", "a number above zero", "for example 0.01: one point of nDCG")
    values = checked(differences, "differences")
    queries, mean, deviation = len(values), float(values.mean()), spread(values)
    if queries < 2:
        return 1.0
    if deviation == 0:
        return float(abs(mean) >= margin)
    return float(stdtr(queries - 1, (abs(mean) - margin) / (deviation / math.sqrt(queries))))
