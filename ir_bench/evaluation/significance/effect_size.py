"""Standardised size of a mean difference."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from ir_bench.evaluation.significance.values import checked, spread


def cohens_d(differences: ArrayLike) -> float:
    """Cohen's d for paired samples (d_z): mean of `differences` [queries] over their standard deviation (n − 1).

    0 where the mean is zero or there is one query; ±infinity where all are equal and not zero. Raises InputError for no
    differences and values that are not finite.
    Source: Cohen 1988, Statistical Power Analysis for the Behavioral Sciences, section 2.3.5.
    """
    values = checked(differences, "differences")
    mean, deviation = float(values.mean()), spread(values)
    if mean == 0 or len(values) < 2:
        return 0.0
    return mean / deviation if deviation else math.copysign(math.inf, mean)
