"""Measures written from their definitions in float64, sharing nothing with the package.

Source: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20(4), 2002, with the
discount 1 / log2(rank + 1) and the grade as gain, as trec_eval has it; the others as in trec_eval's documentation.
"""

from __future__ import annotations

import math


def ndcg(ranking: list[str], grades: dict[str, int], k: int) -> float:
    def dcg(gains):
        return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains[:k], 1))

    ideal = dcg(sorted((max(g, 0) for g in grades.values()), reverse=True))
    return dcg([max(grades.get(d, 0), 0) for d in ranking]) / ideal if ideal else 0.0


def average_precision(ranking: list[str], grades: dict[str, int], rel: int = 1) -> float:
    relevant = {d for d, g in grades.items() if g >= rel}
    found, total = 0, 0.0
    for rank, document in enumerate(ranking, 1):
        if document in relevant:
            found += 1
            total += found / rank
    return total / len(relevant) if relevant else 0.0


def recall(ranking: list[str], grades: dict[str, int], k: int, rel: int = 1) -> float:
    relevant = {d for d, g in grades.items() if g >= rel}
    return len(relevant & set(ranking[:k])) / len(relevant) if relevant else 0.0


def precision(ranking: list[str], grades: dict[str, int], k: int, rel: int = 1) -> float:
    return sum(grades.get(d, 0) >= rel for d in ranking[:k]) / k


def reciprocal_rank(ranking: list[str], grades: dict[str, int], k: int = 10**9, rel: int = 1) -> float:
    return next((1 / rank for rank, d in enumerate(ranking[:k], 1) if grades.get(d, 0) >= rel), 0.0)


def success(ranking: list[str], grades: dict[str, int], k: int, rel: int = 1) -> float:
    return float(any(grades.get(d, 0) >= rel for d in ranking[:k]))
