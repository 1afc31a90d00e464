"""Measures by their textbook definitions, in a few lines each: a second opinion on what an evaluation computed."""

from __future__ import annotations

import math
from collections.abc import Sequence


def defined(kind: str, cutoff: float, threshold: int, ranked: Sequence[int], judged: Sequence[int]) -> float | None:
    """The value of P, R, Success, RR, AP or nDCG for one query, None for another kind of measure.

    `ranked`: grades down the ranking, 0 for a document without a judgment; `judged`: the grades of all judgments;
    `cutoff` is infinite where there is none. What is relevant has at least the grade `threshold`; gains of nDCG are
    grades, discounted by log2(rank + 1).
    Source: trec_eval 9, m_P.c, m_recall.c, m_success.c, m_recip_rank.c, m_map.c, m_ndcg.c.
    """
    top = ranked if math.isinf(cutoff) else ranked[: int(cutoff)]
    found = [rank for rank, grade in enumerate(top, 1) if grade >= threshold]
    relevant = sum(grade >= threshold for grade in judged)
    if kind == "nDCG":
        best = sorted(judged, reverse=True)
        ideal = _gain(best if math.isinf(cutoff) else best[: int(cutoff)])
        return _gain(top) / ideal if ideal else 0.0
    if kind == "P":
        return len(found) / cutoff
    if kind == "R":
        return len(found) / relevant if relevant else 0.0
    if kind == "Success":
        return float(bool(found))
    if kind == "RR":
        return 1 / found[0] if found else 0.0
    if kind == "AP":
        return sum(i / rank for i, rank in enumerate(found, 1)) / relevant if relevant else 0.0
    return None


def _gain(grades: Sequence[int]) -> float:
    return sum(grade / math.log2(rank + 1) for rank, grade in enumerate(grades, 1) if grade > 0)
