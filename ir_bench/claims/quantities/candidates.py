"""How many candidates are needed to reach a recall."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ir_bench.claims.finding import Finding
from ir_bench.claims.quantities.per_query import Cells, first_documents, only, same_queries, whole_run
from ir_bench.claims.resampled import resampled_means
from ir_bench.claims.values import ranks
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured
from ir_bench.evaluation.ranks import Ranks, recall_by_depth

RESAMPLES = 2_000  # each holds recall at every depth


def candidates(cells: Cells, recall: float, level: float, seed: int, best: int | None = None) -> Finding:
    """The smallest depth at which the mean recall of role `of` reaches `recall`, as a share of that of role `over`:
    the geometric mean over datasets, with its bootstrap interval. Queries without a relevant document do not count.
    With `best`, the relevant documents are not the judged ones but the `best` first of role `exact`.

    A resample that does not reach the recall needs more candidates than are kept: the interval counts it as one more
    at its lower end, and as infinitely many at its upper end. Raises InputError when a system does not reach the recall
    within its depth, and for results over different data.
    """
    logs, shown = [], {}
    lows, highs = np.zeros(RESAMPLES), np.zeros(RESAMPLES)
    queries = 0
    for i, (name, roles) in enumerate(cells.items()):
        both = only(roles, "of"), only(roles, "over")
        same_queries(both)
        wanted = None if best is None else first_documents(roles, best)
        tables = [_recalls(measured, wanted) for measured in both]
        of, over = (_depth(table, recall, measured) for table, measured in zip(tables, both, strict=True))
        shown[name] = f"{of:.0f} / {over:.0f}"
        logs.append(np.log(of / over))
        most = [_reached(resampled_means(table, seed + i, RESAMPLES), recall) for table in tables]
        least = [np.minimum(depths, table.shape[1] + 1) for depths, table in zip(most, tables, strict=True)]
        lows += (np.log(least[0]) - np.log(most[1])) / len(cells)
        highs += (np.log(most[0]) - np.log(least[1])) / len(cells)
        queries += len(tables[0])
    tail = int((1 - level) / 2 * RESAMPLES)
    low, high = np.exp(np.sort(lows)[tail]), np.exp(np.sort(highs)[-1 - tail])  # np.quantile cannot pass infinity
    return Finding(float(np.exp(np.mean(logs))), float(low), float(high), queries=queries, per_dataset=shown)


def _recalls(measured: Measured, wanted: Mapping[str, set[str]] | None) -> NDArray[np.float64]:
    k = int(measured.system["k"])
    if wanted is None:
        return recall_by_depth({query: found for query, found in ranks(measured).items() if found.relevant}, k)
    run = whole_run(measured, k)
    found = {}
    for query, documents in wanted.items():
        ranked = run[query].documents if query in run.rankings else ()
        found[query] = Ranks(len(documents), tuple(i for i, name in enumerate(ranked, 1) if name in documents))
    return recall_by_depth(found, k)


def _depth(table: NDArray[np.float64], recall: float, measured: Measured) -> float:
    means = table.mean(axis=0)
    depth = float(_reached(means[None], recall)[0])
    if np.isinf(depth):
        raise InputError(
            f"`{measured.command}` reaches a recall of {means[-1]:.4f} at depth {len(means)}",
            f"at least {recall}",
            "a lower recall in the claim, or more hits: k=…",
        )
    return depth


def _reached(means: NDArray[np.float64], recall: float) -> NDArray[np.float64]:
    """First depth [resamples] at which mean recall [resamples, depth] is reached; infinite where never."""
    reached = means >= recall - 1e-12
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, np.inf)
