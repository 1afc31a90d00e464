"""The mean of a measure over queries, averaged over datasets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ir_bench.claims.finding import Finding
from ir_bench.claims.quantities.per_query import Cells, per_query
from ir_bench.claims.resampled import interval


def mean(cells: Cells, measure: str, level: float, seed: int) -> Finding:
    """The mean of `measure` for role `of`, with its bootstrap interval. Raises InputError as `per_query` does."""
    columns = {name: per_query(roles, "of", measure)[:, None] for name, roles in cells.items()}
    value, low, high = interval(list(columns.values()), lambda means: means[:, 0], level, seed)
    shown: Mapping[str, str] = {name: f"{np.mean(column):.4f}" for name, column in columns.items()}
    return Finding(value, low, high, queries=sum(map(len, columns.values())), per_dataset=shown)
