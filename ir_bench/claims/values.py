"""The values of a measure per query, from what a results folder keeps."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.evaluation.measured import MEANS_AGREE, Measured, StaleResult
from ir_bench.evaluation.ranks import Ranks, read_ranks

_FROM_RANKS = re.compile(r"(R|R_cap)@(\d+)")


def values(measured: Measured, measure: str) -> NDArray[np.float64]:
    """One value for each judged query [queries]: as scored, or recall at any depth from the ranks that were kept.

    R_cap@k, BEIR's capped recall, divides by the smaller of k and the number of relevant documents.
    Raises InputError for a measure that was not scored and does not follow from the ranks.
    Source: Thakur et al. 2021, "BEIR", appendix (capped recall).
    """
    form = _FROM_RANKS.fullmatch(measure)
    depth = int(form[2]) if form else 0
    if measure in measured.per_query or form is None or depth > int(measured.system.get("k", 0)):
        return measured.values(measure)
    recall = _capped if form[1] == "R_cap" else Ranks.recall
    return np.array([recall(query, depth) for query in ranks(measured).values()])


def ranks(measured: Measured) -> dict[str, Ranks]:
    """The ranks of the relevant documents of each judged query.

    Raises InputError for a run file, which keeps none, and StaleResult for ranks of other queries or other recalls than
    those that were scored.
    """
    if measured.folder is None:
        raise InputError(f"no ranks are kept for `{measured.command}`", "a results folder, which keeps ranks")
    path = measured.folder / "ranks.tsv.gz"
    found = read_ranks(path)
    wrong = "" if list(found) == measured.queries else f"{len(found)} queries that are not those of per_query.tsv.gz"
    for measure in measured.per_query:
        if not wrong and (form := re.fullmatch(r"R@(\d+)", measure)):
            mean, scored = np.mean([query.recall(int(form[1])) for query in found.values()]), measured.means[measure]
            wrong = "" if abs(mean - scored) <= MEANS_AGREE else f"{measure} {mean:.6f}, the scores say {scored:.6f}"
    if wrong:
        raise StaleResult(
            f"{path} gives {wrong}",
            "the ranks of the run that was scored",
            f"delete the folder and measure the cell again: ir-bench run {measured.command}",
        )
    return found


def _capped(query: Ranks, depth: int) -> float:
    return sum(rank <= depth for rank in query.found) / min(depth, query.relevant) if query.relevant else 0.0
