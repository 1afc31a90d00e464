"""Why another toolkit reports another number: one rule is changed at a time, and what it moves is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ir_bench.evaluation.conventions.ranked import tied_groups
from ir_bench.evaluation.conventions.rules import Convention, Measure, ScoringRules
from ir_bench.evaluation.conventions.score import Scorer

# Fields that make up one rule, in the order in which they are changed. Rounding is no cause: it hides nothing visible.
STEPS: Mapping[str, tuple[str, ...]] = {
    "self": ("drop_self",),
    "ties": ("precision", "order"),
    "queries": ("queries",),
    "threshold": ("threshold",),
    "gain": ("graded",),
    "depth": ("depth",),
    "capped": ("capped",),
}
SAME = 5e-7  # half of the sixth digit; nothing smaller is reported


@dataclass(frozen=True)
class Cause:
    """A rule that moves a measure by `change` when it is taken from the other convention, after those before it."""

    rule: str
    change: float
    reason: str


@dataclass(frozen=True)
class Difference:
    """A measure that a convention scores otherwise than the base: `value - base` is the sum of its causes' changes."""

    convention: str
    measure: Measure
    base: float
    value: float
    causes: Sequence[Cause]

    def lines(self) -> list[str]:
        """One line a cause, in the order of `STEPS`."""
        return [f"{self.convention} {self.measure} {_signed(c.change)}: {c.reason}" for c in self.causes]


def explain(scorer: Scorer, base: Convention, other: Convention, measures: Sequence[Measure]) -> list[Difference]:
    """The measures on which two conventions differ for a run, each with its causes.

    The rules are changed one after the other, from the base's to the other's, so that the changes add up to the whole
    difference; where rules interact, the share of each depends on this order. Values are compared without rounding.
    Measures that one of the two lacks or cannot compute are left out.
    """
    found = []
    for measure in measures:
        ours, theirs = base.for_measure(measure), other.for_measure(measure)
        if ours is None or theirs is None:
            continue
        rules, final = replace(ours, digits=None), replace(theirs, digits=None)
        before, after = scorer.mean(measure, rules), scorer.mean(measure, final)
        if before is None or after is None or abs(after - before) <= SAME:
            continue
        causes, value = [], before
        for rule, names in STEPS.items():
            fields: dict[str, Any] = {name: getattr(final, name) for name in names}
            changed = replace(rules, **fields)
            moved = value if changed == rules else scorer.mean(measure, changed)
            if moved is not None and abs(moved - value) > SAME:
                causes.append(Cause(rule, moved - value, _REASONS[rule](scorer, measure, rules, changed)))
            rules, value = changed, value if moved is None else moved
        found.append(Difference(other.name, measure, before, after, causes))
    return found


def _signed(change: float) -> str:
    return f"{change:+.4f}" if abs(change) >= 5e-5 else f"{change:+.6f}"


def _self(scorer: Scorer, measure: Measure, ours: ScoringRules, theirs: ScoringRules) -> str:
    hits = sum(query in scorer.scored[query] for query in scorer.judged if query in scorer.scored)
    return f"{_count(hits, 'document')} with the query's own id {'dropped' if theirs.drop_self else 'kept'}"


def _ties(scorer: Scorer, measure: Measure, ours: ScoringRules, theirs: ScoringRules) -> str:
    cutoff = theirs.depth if measure.cutoff is None else measure.cutoff
    before, after = scorer.per_query(measure, ours), scorer.per_query(measure, theirs)
    moved = [q for q in before if q in after and abs(before[q] - after[q]) > SAME]
    groups = sum(tied_groups(scorer.scored, query, cutoff) for query in moved)
    how = {
        "descending": "by descending document id",
        "ascending": "by ascending document id",
        "file": "as in the file",
    }[theirs.order]
    compared = "" if theirs.precision == ours.precision else f", scores compared in {theirs.precision}"
    return (
        f"ties are ordered {how}{compared}: {_count(len(moved), 'query')} with {_count(groups, 'tied group')} affected"
    )


def _queries(scorer: Scorer, measure: Measure, ours: ScoringRules, theirs: ScoringRules) -> str:
    before, after = scorer.queries(ours), scorer.queries(theirs)
    leave, join = len(set(before) - set(after)), len(set(after) - set(before))
    why = {
        "answered": "without results",
        "relevant": f"without a document of grade {theirs.threshold} or more",
        "judged": "",
    }
    if leave and join:
        return f"the mean is over {len(after)} instead of {_count(len(before), 'query')}"
    if leave:
        return f"{_count(leave, 'query')} {why[theirs.queries]} left out of the mean"
    return f"{_count(join, 'query')} {why[ours.queries]} counted as zero"


def _threshold(scorer: Scorer, measure: Measure, ours: ScoringRules, theirs: ScoringRules) -> str:
    low, high = sorted((ours.threshold, theirs.threshold))
    between = sum(low <= grade < high for q in scorer.judged for grade in scorer.qrels[q].values())
    return (
        f"grades from {theirs.threshold} up are relevant, not from {ours.threshold}: "
        f"{_count(between, 'judgment')} between them"
    )


def _gain(scorer: Scorer, measure: Measure, ours: ScoringRules, theirs: ScoringRules) -> str:
    graded = sum(grade > 1 for q in scorer.judged for grade in scorer.qrels[q].values())
    gain = "the grade" if theirs.graded else "1 for every relevant document"
    return f"the gain is {gain}: {_count(graded, 'judgment')} above grade 1"


def _depth(scorer: Scorer, measure: Measure, ours: ScoringRules, theirs: ScoringRules) -> str:
    below = sum(
        rank > (theirs.depth or 0) and grade >= ours.threshold
        for ranks in scorer.ranks(ours).values()
        for rank, grade in ranks
    )
    return f"{measure} stops at rank {theirs.depth}: {_count(below, 'relevant document')} below it"


def _capped(scorer: Scorer, measure: Measure, ours: ScoringRules, theirs: ScoringRules) -> str:
    cutoff = theirs.depth if measure.cutoff is None else measure.cutoff
    many = sum(
        sum(grade >= ours.threshold for grade in scorer.qrels[q].values()) > (cutoff or 0) for q in scorer.judged
    )
    return (
        f"divided by the number of relevant documents, but at most {cutoff}: {_count(many, 'query')} with more than "
        f"{cutoff}"
    )


Reason = Callable[[Scorer, Measure, ScoringRules, ScoringRules], str]
_REASONS: Mapping[str, Reason] = {
    "self": _self, "ties": _ties, "queries": _queries, "threshold": _threshold,
    "gain": _gain, "depth": _depth, "capped": _capped,
}  # fmt: skip


def _count(number: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"
