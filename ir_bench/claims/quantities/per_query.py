"""Values of each query for one role of a check."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ir_bench.claims.values import values
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured, RunNotKept
from ir_bench.types import Run

Roles = Mapping[str, Sequence[Measured]]
Cells = Mapping[str, Roles]
_OVERLAP = re.compile(r"overlap@(\d+)(?:/(\d+))?")


class Seeds(list[Measured]):
    """Results of one system trained from several seeds."""


def only(roles: Roles, role: str) -> Measured:
    """The result of a role. Raises InputError where it has none, or several (a sweep, a group of datasets)."""
    found = roles.get(role, ())
    if len(found) != 1:
        raise InputError(f"the role {role!r} has {len(found)} results", "one cell", "correct the cells of the check")
    return found[0]


def per_query(roles: Roles, role: str, measure: str) -> NDArray[np.float64]:
    """What `of_each_query` gives for the one result of a role, or the mean over its seeds."""
    found = seeds(roles, role)
    return np.mean([of_each_query(one, roles, measure) for one in found], axis=0)


def seeds(roles: Roles, role: str) -> Sequence[Measured]:
    """The one result of a role, or those of a system trained from several seeds. Raises InputError as `only` does, and
    for seeds over different data."""
    found = roles.get(role, ())
    if not isinstance(found, Seeds):
        return [only(roles, role)]
    same_queries(found)
    return found


def pair(roles: Roles, measure: str) -> NDArray[np.float64]:
    """Values of the roles `of` and `over` side by side [queries, 2]. Raises InputError for results over different data
    and as `of_each_query` does."""
    same_queries([*seeds(roles, "of"), *seeds(roles, "over")])
    return np.column_stack([per_query(roles, role, measure) for role in ("of", "over")])


def of_each_query(one: Measured, roles: Roles, measure: str) -> NDArray[np.float64]:
    """One value for each judged query [queries]: a measure, or `overlap@k`, the share of the k best documents of role
    `exact` that are among the k best of this one, and with `overlap@k/n` among its n best; queries for which `exact`
    finds nothing do not count.

    Raises InputError for a measure that was not scored, rankings shorter than k and different queries.
    """
    form = _OVERLAP.fullmatch(measure)
    if form is None:
        return values(one, measure)
    best, exact = int(form[1]), only(roles, "exact")
    depth = int(form[2] or best)
    same_queries([one, exact])
    ours, shares = whole_run(one, depth), []
    for query, wanted in first_documents(roles, best).items():
        found = set(ours[query].documents[:depth]) if query in ours.rankings else set()
        shares.append(len(wanted & found) / len(wanted))
    return np.array(shares)


def first_documents(roles: Roles, best: int) -> dict[str, set[str]]:
    """The `best` first documents of role `exact` for each judged query for which it finds any."""
    exact = only(roles, "exact")
    run = whole_run(exact, best)
    found = {query: set(run[query].documents[:best]) for query in exact.queries if query in run.rankings}
    return {query: documents for query, documents in found.items() if documents}


def whole_run(measured: Measured, depth: int) -> Run:
    """The run of a result, of at least `depth` documents for some query. Raises InputError where less is kept, and
    RunNotKept where the whole run is not at hand."""
    run = measured.ranking()
    # of a result without its run only the best documents are at hand: deeper, their overlap would be another quantity
    kept = 0 if run is None else max(map(len, run.rankings.values()), default=0)
    if run is None or kept < depth:
        raise (InputError if measured.has_whole_run() else RunNotKept)(
            f"{kept} documents a query are kept for `{measured.command}`",
            f"at least {depth}",
            "measure the cell again, which keeps the whole run, or ask for less overlap",
        )
    return run


def same_queries(results: Sequence[Measured]) -> None:
    """Raises InputError unless all results are over the same judged queries, judgments and corpus."""
    first = results[0]
    for other in results[1:]:
        for key in ("corpus", "judgments", "rules"):
            if first.system.get(key) != other.system.get(key):
                raise InputError(
                    f"`{first.command}` and `{other.command}` were measured with different {key}",
                    "the same data and rules for both",
                    "measure both again",
                )
        if first.queries != other.queries:
            raise InputError(f"`{first.command}` and `{other.command}` have different queries", "the same queries")
