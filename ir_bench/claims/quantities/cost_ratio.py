"""The ratio of a counted cost between two systems: bytes of the index, documents compared."""

from __future__ import annotations

from collections.abc import Sequence

from ir_bench.claims.finding import Finding
from ir_bench.claims.quantities.per_query import Cells, same_queries, seeds
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured


def cost_ratio(cells: Cells, cost: str) -> Finding:
    """Cost of role `of` over cost of role `over`, each summed over datasets; exact, so without interval. Of a system
    trained from several seeds it is the mean.

    `cost`: a path into cost.json, such as build.postings or search.documents_compared. Raises InputError for a
    duration, which differs between runs and machines, for a cost that was not counted, for results over different data
    and when `over` costs nothing.
    """
    if cost.endswith(("_s", "_ms")):
        raise InputError(f"{cost} is a duration", "a count or bytes", "compare speeds with ir-bench bench")
    pairs = {}
    for name, roles in cells.items():
        of, over = seeds(roles, "of"), seeds(roles, "over")
        same_queries([*of, *over])
        pairs[name] = _mean(of, cost), _mean(over, cost)
    total = sum(over for _, over in pairs.values())
    if not total:
        raise InputError(f"{cost} of `over` is zero", "a ratio needs a cost above zero")
    value = sum(of for of, _ in pairs.values()) / total
    shown = {name: f"{of:,.0f} / {over:,.0f}" for name, (of, over) in pairs.items()}
    return Finding(value, value, value, per_dataset=shown)


def _mean(results: Sequence[Measured], path: str) -> float:
    return sum(_cost(one, path) for one in results) / len(results)


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
