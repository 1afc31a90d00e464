"""A counted cost of one system: an error that its build notes, postings, bytes."""

from __future__ import annotations

from ir_bench.claims.costs import mean_cost
from ir_bench.claims.finding import Finding
from ir_bench.claims.quantities.per_query import Cells, seeds


def counted_cost(cells: Cells, cost: str) -> Finding:
    """A cost of role `of`, averaged over datasets; exact, so without interval. Of several seeds it is the mean.

    `cost`: a path into cost.json, such as build.held_out_error. Raises InputError as `mean_cost` does.
    """
    found = {name: mean_cost(seeds(roles, "of"), cost) for name, roles in cells.items()}
    value = sum(found.values()) / len(found)
    return Finding(value, value, value, per_dataset={name: f"{each:,.4g}" for name, each in found.items()})
