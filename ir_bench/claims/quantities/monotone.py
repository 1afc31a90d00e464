"""Whether a measure never falls along a sweep."""

from __future__ import annotations

from ir_bench.claims.finding import Finding
from ir_bench.claims.quantities.per_query import Cells, of_each_query, same_queries
from ir_bench.claims.resampled import interval
from ir_bench.errors import InputError


def monotone(cells: Cells, measure: str, level: float, seed: int) -> Finding:
    """The smallest step of `measure` between neighbours in the sweep of role `of`, averaged over datasets.

    The interval spans the smallest lower and the smallest upper end of all steps, each at a level corrected for their
    number (Bonferroni). Raises InputError for a sweep of fewer than two cells, for results over different data and as
    `of_each_query` does.
    """
    curves = {}
    for name, roles in cells.items():
        sweep = roles.get("of", ())
        if len(sweep) < 2:
            raise InputError(f"the sweep has {len(sweep)} cells", "two or more", "list them in cells: {of: […]}")
        same_queries(sweep)
        curves[name] = [of_each_query(one, roles, measure) for one in sweep]
    steps = len(next(iter(curves.values()))) - 1
    corrected = 1 - (1 - level) / steps
    found = [
        interval([(c[i + 1] - c[i])[:, None] for c in curves.values()], lambda means: means[:, 0], corrected, seed)
        for i in range(steps)
    ]
    shown = {name: " → ".join(f"{values.mean():.4f}" for values in curve) for name, curve in curves.items()}
    queries = sum(len(curve[0]) for curve in curves.values())
    value, low, high = (min(ends) for ends in zip(*found, strict=True))
    return Finding(value, low, high, queries=queries, per_dataset=shown)
