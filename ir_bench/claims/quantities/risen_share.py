"""On how many queries a measure is higher by some amount."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ir_bench.claims.finding import Finding
from ir_bench.claims.quantities.per_query import Cells, only, same_queries, whole_run
from ir_bench.claims.resampled import interval
from ir_bench.claims.values import values
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured


def risen_share(cells: Cells, measure: str, by: float, level: float, seed: int, most: float | None = None) -> Finding:
    """The share of queries on which `measure` of role `of` is at least `by` above that of role `over`, averaged over
    datasets, with its bootstrap interval. Queries for which one of them finds nothing do not count,
    nor with `most` those on which `over` is above it: on which a measure up to 1 cannot rise by 1 - `most`.

    Raises InputError for results over different data, for runs that are not at hand, and where no query counts.
    """
    risen = {}
    for name, roles in cells.items():
        of, over = only(roles, "of"), only(roles, "over")
        same_queries([of, over])
        counts = _answered(of) & _answered(over)
        after, before = values(of, measure), values(over, measure)
        if most is not None:
            counts &= before <= most + 1e-9
        if not counts.any():
            raise InputError(f"no query of {name} counts", "queries for which both find something", "look at both runs")
        gaps = (after - before)[counts]
        risen[name] = (gaps >= by - 1e-9).astype(np.float64)  # 0.8 - 0.5 is not 0.3 in binary
    value, low, high = interval([each[:, None] for each in risen.values()], lambda means: means[:, 0], level, seed)
    shown = {name: f"{int(each.sum())} of {len(each)}" for name, each in risen.items()}
    return Finding(value, low, high, queries=sum(map(len, risen.values())), per_dataset=shown)


def _answered(one: Measured) -> NDArray[np.bool_]:
    """Whether each judged query finds anything [queries]."""
    found = whole_run(one, 1).rankings
    return np.array([query in found and len(found[query]) > 0 for query in one.queries])
