"""One engine for every combination of scoring rules, in float64."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache

from ir_bench.errors import InputError
from ir_bench.evaluation.conventions.ranked import Scored, judged_ranks
from ir_bench.evaluation.conventions.rules import Convention, Measure, Order, Precision, ScoringRules
from ir_bench.evaluation.measures import judged_queries
from ir_bench.types import Qrels

Ranks = Mapping[str, Sequence[tuple[int, int]]]


class Scorer:
    """A run and judgments, scored under any rules; rankings are kept, so that rules can be changed one at a time."""

    def __init__(self, scored: Scored, qrels: Qrels) -> None:
        self.scored, self.qrels = scored, qrels
        self.judged = judged_queries(qrels)
        if not any(query in scored for query in self.judged):
            raise InputError(
                f"the run answers none of the {len(self.judged)} judged queries",
                f"query ids such as {', '.join(map(repr, self.judged[:3]))}",
                "check that run and judgments are of the same dataset and split",
            )

        @cache
        def ranks(precision: Precision, order: Order, drop_self: bool) -> Ranks:
            return judged_ranks(scored, qrels, precision, order, drop_self)

        self._ranks = ranks

    def ranks(self, rules: ScoringRules) -> Ranks:
        """Query -> (rank, grade) of its judged documents, under these rules for ties and self-hits."""
        return self._ranks(rules.precision, rules.order, rules.drop_self)

    def queries(self, rules: ScoringRules) -> list[str]:
        """The queries that the mean is over."""
        if rules.queries == "answered":
            return [query for query in self.judged if query in self.scored]
        if rules.queries == "relevant":
            return [q for q in self.judged if any(grade >= rules.threshold for grade in self.qrels[q].values())]
        return self.judged

    def per_query(self, measure: Measure, rules: ScoringRules) -> dict[str, float]:
        """The value of each query that counts, not rounded."""
        ranks = self.ranks(rules)
        return {q: value(measure, ranks.get(q, ()), self.qrels[q], rules) for q in self.queries(rules)}

    def mean(self, measure: Measure, rules: ScoringRules) -> float | None:
        """The mean over the queries that count, rounded as the rules say.

        None where no query counts, and for a capped recall that meets an answered query without a relevant document:
        a division by zero in the original.
        """
        values = self.per_query(measure, rules)
        if measure.kind == "R_cap" and any(q in self.scored and not self._relevant(q, rules) for q in values):
            return None
        if not values:
            return None
        mean = math.fsum(values.values()) / len(values)
        return mean if rules.digits is None else round(mean, rules.digits)

    def score(self, convention: Convention, measures: Sequence[Measure]) -> dict[Measure, float | None]:
        """Means under a convention; None for a measure that it does not have."""
        rules = {measure: convention.for_measure(measure) for measure in measures}
        return {measure: None if r is None else self.mean(measure, r) for measure, r in rules.items()}

    def _relevant(self, query: str, rules: ScoringRules) -> int:
        return sum(grade >= rules.threshold for grade in self.qrels[query].values())


def value(measure: Measure, ranks: Sequence[tuple[int, int]], grades: Mapping[str, int], rules: ScoringRules) -> float:
    """One query: `ranks` are (rank, grade) of its judged documents in the ranking, `grades` all its judgments."""
    cutoff = rules.depth if measure.cutoff is None else measure.cutoff
    within = [(rank, grade) for rank, grade in ranks if cutoff is None or rank <= cutoff]
    if measure.kind == "nDCG":
        return _ndcg(within, grades, cutoff, rules.graded)
    relevant = sum(grade >= rules.threshold for grade in grades.values())
    if relevant == 0:
        return 0.0
    hits = [rank for rank, grade in within if grade >= rules.threshold]
    if measure.kind == "P":
        return len(hits) / (cutoff or 1)
    if measure.kind == "Success":
        return float(bool(hits))
    if measure.kind == "RR":
        return 1 / hits[0] if hits else 0.0
    possible = min(relevant, cutoff) if rules.capped and cutoff is not None else relevant
    if measure.kind == "AP":
        return math.fsum(found / rank for found, rank in enumerate(hits, 1)) / possible
    return len(hits) / possible


def _ndcg(within: Sequence[tuple[int, int]], grades: Mapping[str, int], cutoff: int | None, graded: bool) -> float:
    """Source: Järvelin and Kekäläinen, ACM TOIS 20(4), 2002, with the discount 1 / log2(rank + 1)."""

    def gain(grade: int) -> int:
        return max(grade, 0) if graded else int(grade >= 1)

    best = sorted((gain(grade) for grade in grades.values()), reverse=True)[:cutoff]
    ideal = math.fsum(g / math.log2(rank + 1) for rank, g in enumerate(best, 1))
    return math.fsum(gain(grade) / math.log2(rank + 1) for rank, grade in within) / ideal if ideal else 0.0
