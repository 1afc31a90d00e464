"""Where the judged documents of each query stand in a run, under rules for ties and for a query's own document."""

from __future__ import annotations

import math
from collections.abc import Mapping
from operator import itemgetter

import numpy as np

from ir_bench.errors import InputError
from ir_bench.evaluation.conventions.rules import Order, Precision
from ir_bench.types import Qrels

Scored = Mapping[str, Mapping[str, float]]  # query id -> document id -> score, in the order of the file


def ranking(documents: Mapping[str, float], precision: Precision, order: Order) -> list[tuple[float, str]]:
    """Scores and ids, best first. Raises InputError for a score that is no finite number in that precision."""
    scores = np.fromiter(documents.values(), np.float64, len(documents))
    if precision == "float32":
        with np.errstate(over="ignore"):
            scores = scores.astype(np.float32).astype(np.float64)
    if not np.isfinite(scores).all():
        document = list(documents)[int(np.flatnonzero(~np.isfinite(scores))[0])]
        raise InputError(
            f"the score of document {document!r} is not a finite {precision} number",
            "finite scores only",
            "look for NaN or infinite values where the run was made",
        )
    pairs = list(zip(scores.tolist(), documents, strict=True))
    if order == "descending":
        pairs.sort(reverse=True)
    elif order == "ascending":
        pairs.sort(key=lambda pair: (-pair[0], pair[1]))
    else:
        pairs.sort(key=itemgetter(0), reverse=True)  # stable also in reverse: equal scores stay as they are
    return pairs


def judged_ranks(
    scored: Scored, qrels: Qrels, precision: Precision, order: Order, drop_self: bool
) -> dict[str, list[tuple[int, int]]]:
    """Query -> (rank, grade) of its judged documents by rank, for every judged query that the run answers."""
    ranks = {}
    for query, grades in qrels.items():
        if not grades or query not in scored:
            continue
        names = [document for _, document in ranking(scored[query], precision, order)]
        if drop_self and query in scored[query]:
            names.remove(query)
        ranks[query] = [(rank, grades[document]) for rank, document in enumerate(names, 1) if document in grades]
    return ranks


def tied_groups(scored: Scored, query: str, cutoff: int | None) -> int:
    """Groups of documents with equal float32 scores that begin within the cut-off."""
    last, groups, counted = math.nan, 0, False
    for position, (score, _) in enumerate(ranking(scored[query], "float32", "descending")):
        if score != last:
            if cutoff is not None and position >= cutoff:
                break
            counted = False
        elif not counted:
            groups, counted = groups + 1, True
        last = score
    return groups
