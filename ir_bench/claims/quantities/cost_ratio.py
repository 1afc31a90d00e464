"""The ratio of a counted cost between two systems: bytes of the index, documents compared."""

from __future__ import annotations

from ir_bench.claims.costs import mean_cost
from ir_bench.claims.finding import Finding
from ir_bench.claims.quantities.per_query import Cells, same_queries, seeds
from ir_bench.errors import InputError


def cost_ratio(cells: Cells, cost: str) -> Finding:
    """Cost of role `of` over cost of role `over`, each summed over datasets; exact, so without interval. Of a system
    trained from several seeds it is the mean.

    `cost`: a path into cost.json, such as build.postings or search.documents_compared. Raises InputError for a
    duration, which differs between runs and machines, for a cost that was not counted, for results over different data
    and when `over` costs nothing.
    """
    pairs = {}
    for name, roles in cells.items():
        of, over = seeds(roles, "of"), seeds(roles, "over")
        same_queries([*of, *over])
        pairs[name] = mean_cost(of, cost), mean_cost(over, cost)
    total = sum(over for _, over in pairs.values())
    if not total:
        raise InputError(f"{cost} of `over` is zero", "a ratio needs a cost above zero")
    value = sum(of for of, _ in pairs.values()) / total
    shown = {name: f"{_shown(of)} / {_shown(over)}" for name, (of, over) in pairs.items()}
    return Finding(value, value, value, per_dataset=shown)


def _shown(amount: float) -> str:
    return f"{amount:,.0f}" if amount == round(amount) or abs(amount) >= 100 else f"{amount:.3g}"
