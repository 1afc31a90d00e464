"""Counted costs of results."""

from __future__ import annotations

from collections.abc import Sequence

from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured


def mean_cost(results: Sequence[Measured], path: str) -> float:
    """The mean over results of several seeds of a cost, a path into cost.json such as build.postings.

    Raises InputError for a duration, which differs between runs and machines, and for a cost that was not counted.
    """
    if path.endswith(("_s", "_ms")):
        raise InputError(f"{path} is a duration", "a count or bytes", "compare speeds with ir-bench bench")
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
