"""The ratio of a measure between two systems."""

from __future__ import annotations

import numpy as np

from ir_bench.claims.finding import Finding
from ir_bench.claims.quantities.per_query import Cells, pair
from ir_bench.claims.resampled import interval
from ir_bench.errors import InputError
from ir_bench.evaluation.significance import randomisation


def ratio(cells: Cells, measure: str, level: float, seed: int, size: float) -> Finding:
    """Mean of role `of` over mean of role `over`, both averaged over datasets first, with its bootstrap interval.

    The p value tests `of − size · over` by paired randomisation. Raises InputError for results over different data
    and when `over` is zero everywhere.
    """
    pairs = {name: pair(roles, measure) for name, roles in cells.items()}
    if not any(both[:, 1].any() for both in pairs.values()):
        raise InputError(f"{measure} of `over` is zero for every query", "a ratio needs a value above zero")
    with np.errstate(divide="ignore", invalid="ignore"):
        # resamples in which `over` is zero throughout have no ratio: the interval has no end there, and decides nothing
        value, low, high = interval(list(pairs.values()), lambda means: means[:, 0] / means[:, 1], level, seed)
    queries = sum(map(len, pairs.values()))
    gaps = [(both[:, 0] - size * both[:, 1]) * queries / (len(pairs) * len(both)) for both in pairs.values()]
    shown = {name: f"{both[:, 0].mean():.4f} / {both[:, 1].mean():.4f}" for name, both in pairs.items()}
    p = randomisation.p_value(np.concatenate(gaps), seed=seed)
    return Finding(value, low, high, p, "paired randomisation", queries, per_dataset=shown)
