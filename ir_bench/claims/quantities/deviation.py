"""How much a measure differs between systems that are to be alike, such as one with several seeds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ir_bench.claims.finding import Finding
from ir_bench.claims.quantities.per_query import Cells, of_each_query, same_queries
from ir_bench.claims.resampled import interval
from ir_bench.errors import InputError


def deviation(cells: Cells, measure: str, level: float, seed: int) -> Finding:
    """The standard deviation (of a sample, n - 1) over the cells of role `of` of the mean of `measure`, averaged over
    datasets first, with its bootstrap interval over queries.

    Where there are cells of role `over`, too, theirs is taken off: above zero, `of` differ more among themselves.
    What queries add by chance is in it: few of them make it larger. Raises InputError for fewer than two cells of a
    role, for results over different data and as `of_each_query` does.
    """
    columns, shown = {}, {}
    count = 0
    for name, roles in cells.items():
        sides = [roles.get(role, ()) for role in ("of", "over") if role == "of" or role in roles]
        if (least := min(map(len, sides))) < 2:
            raise InputError(f"{least} cells to compare", "two or more", "list them in cells: {of: […]}")
        same_queries([one for alike in sides for one in alike])
        columns[name] = np.column_stack([of_each_query(one, roles, measure) for alike in sides for one in alike])
        count = len(sides[0])
        shown[name] = " − ".join(
            f"{np.std(means, ddof=1):.4f} ({', '.join(f'{mean:.4f}' for mean in means)})"
            for means in np.split(columns[name].mean(axis=0), [count])
            if len(means)
        )

    def spread(means: NDArray[np.float64]) -> NDArray[np.float64]:
        of, over = means[:, :count], means[:, count:]
        found: NDArray[np.float64] = np.std(of, axis=1, ddof=1)
        return found - np.std(over, axis=1, ddof=1) if over.shape[1] else found

    value, low, high = interval(list(columns.values()), spread, level, seed)
    return Finding(value, low, high, queries=sum(map(len, columns.values())), per_dataset=shown)
