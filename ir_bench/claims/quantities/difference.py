"""The difference of a measure between two systems, averaged over datasets."""

from __future__ import annotations

import numpy as np

from ir_bench.claims.finding import Finding
from ir_bench.claims.quantities.per_query import Cells, pair
from ir_bench.claims.resampled import interval
from ir_bench.evaluation.significance import equivalence, power, randomisation


def difference(cells: Cells, measure: str, level: float, seed: int, margin: float | None = None) -> Finding:
    """Mean of role `of` minus mean of role `over`, unweighted over datasets, with its bootstrap interval.

    The p value is that of the paired randomisation test over all queries, each weighted by the inverse of its
    dataset's number; with `margin`, that of the equivalence test (two one-sided t tests). `detectable`: the smallest
    difference found with power 0.8. Raises InputError for results over different data.
    """
    gaps = {}
    for name, roles in cells.items():
        of, over = pair(roles, measure).T
        gaps[name] = of - over
    value, low, high = interval([gap[:, None] for gap in gaps.values()], lambda means: means[:, 0], level, seed)
    queries = sum(map(len, gaps.values()))
    # the mean of these over all queries is the mean over datasets of their means
    weighted = np.concatenate([gap * queries / (len(gaps) * len(gap)) for gap in gaps.values()])
    p, test = randomisation.p_value(weighted, seed=seed), "paired randomisation"
    if margin is not None:
        p, test = equivalence.p_value(weighted, margin), f"equivalence within ±{margin:g}"
    return Finding(
        value, low, high, p, test, queries,
        detectable=power.minimum_detectable_difference(weighted),
        per_dataset={name: f"{gap.mean():+.4f}" for name, gap in gaps.items()},
    )  # fmt: skip
