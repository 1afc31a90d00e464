"""How much a measure differs between systems that are to be alike, such as one with several seeds."""

from __future__ import annotations

import numpy as np

from ir_bench.claims.finding import Finding
from ir_bench.claims.quantities.per_query import Cells, of_each_query, same_queries
from ir_bench.claims.resampled import interval
from ir_bench.errors import InputError


def deviation(cells: Cells, measure: str, level: float, seed: int) -> Finding:
    """The standard deviation (of a sample, n - 1) over the cells of role `of` of the mean of `measure`, averaged over
    datasets first, with its bootstrap interval over queries.

    What queries add by chance is in it: few of them make it larger. Raises InputError for fewer than two cells, for
    results over different data and as `of_each_query` does.
    """
    columns = {}
    for name, roles in cells.items():
        alike = roles.get("of", ())
        if len(alike) < 2:
            raise InputError(f"{len(alike)} cells to compare", "two or more", "list them in cells: {of: […]}")
        same_queries(alike)
        columns[name] = np.column_stack([of_each_query(one, roles, measure) for one in alike])
    value, low, high = interval(list(columns.values()), lambda means: np.std(means, axis=1, ddof=1), level, seed)
    shown = {
        name: f"{np.std(c.mean(axis=0), ddof=1):.4f} ({', '.join(f'{mean:.4f}' for mean in c.mean(axis=0))})"
        for name, c in columns.items()
    }
    return Finding(value, low, high, queries=sum(map(len, columns.values())), per_dataset=shown)
