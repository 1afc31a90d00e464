"""The ratio of a counted cost between two systems: bytes of the index, documents compared."""

from __future__ import annotations

from ir_bench.claims.finding import Finding
from ir_bench.claims.quantities.per_query import Cells, only, same_queries
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured


def cost_ratio(cells: Cells, cost: str) -> Finding:
    """Cost of role `of` over cost of role `over`, each summed over datasets; exact, so without interval.

    `cost`: a path into cost.json, such as build.index_bytes or search.documents_compared. Raises InputError for a
    duration, which differs between runs and machines, for a cost that was not counted, for results over different data
    and when `over` costs nothing.
    """
    if cost.endswith(("_s", "_ms")):
        raise InputError(f"{cost} is a duration", "a count or bytes", "compare speeds with ir-bench bench")
    pairs = {}
    for name, roles in cells.items():
        of, over = only(roles, "of"), only(roles, "over")
        same_queries([of, over])
        pairs[name] = _cost(of, cost), _cost(over, cost)
    total = sum(over for _, over in pairs.values())
    if not total:
        raise InputError(f"{cost} of `over` is zero", "a ratio needs a cost above zero")
    value = sum(of for of, _ in pairs.values()) / total
    shown = {name: f"{of:,.0f} / {over:,.0f}" for name, (of, over) in pairs.items()}
    return Finding(value, value, value, per_dataset=shown)


def _cost(measured: Measured, path: str) -> float:
    part, _, name = path.partition(".")
    try:
        return float(measured.cost[part][name])
    except (KeyError, TypeError):
        raise InputError(
            f"`{measured.command}` has no cost {path}",
            "one of: "
            + ", ".join(f"{p}.{n}" for p, names in measured.cost.items() if isinstance(names, dict) for n in names),
            "measure the cell again with force=true",
        ) from None
