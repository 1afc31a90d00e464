"""What a paired t test over these queries could have found."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from ir_bench.errors import InputError
from ir_bench.evaluation.significance.values import checked, spread


def minimum_detectable_difference(differences: ArrayLike, alpha: float = 0.05, power: float = 0.8) -> float:
    """The smallest true mean difference that a two-sided paired t test finds with probability `power`, given the
    number and the standard deviation of `differences` [queries].

    0 where they do not vary, infinite for one query. Raises InputError for no differences, values that are not finite,
    and alpha and power that are not 0 < alpha < power < 1.
    Source: Cohen 1988, section 2.3; power is the noncentral t distribution's, both tails counted.
    """
    from scipy.optimize import brentq
    from scipy.special import nctdtr, stdtrit

    if not 0 < alpha < power < 1:
        raise InputError(f"alpha {alpha}, power {power}", "0 < alpha < power < 1, for example 0.05 and 0.8")
    values = checked(differences, "differences")
    queries, deviation = len(values), spread(values)
    if queries < 2:
        return math.inf
    if deviation == 0:
        return 0.0
    freedom = queries - 1
    critical = float(stdtrit(freedom, 1 - alpha / 2))

    def lacking(shift: float) -> float:
        """The wanted power less that at a noncentrality of `shift`."""
        lower = float(nctdtr(freedom, shift, -critical))
        if math.isnan(lower):  # scipy's answer where it vanishes
            lower = 0.0
        return power - (1 - float(nctdtr(freedom, shift, critical)) + lower)

    highest = critical + 1.0
    while lacking(highest) > 0:
        highest *= 2
    return float(brentq(lacking, 0.0, highest, xtol=1e-12)) / math.sqrt(queries) * deviation
