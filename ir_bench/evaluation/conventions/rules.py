"""The rules in which evaluators differ, and a convention: a name with the rules it applies to each measure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from ir_bench.errors import InputError

KINDS = ("nDCG", "R", "R_cap", "RR", "AP", "P", "Success")
NEEDS_CUTOFF = ("nDCG", "R", "R_cap", "P", "Success")
DEFAULT = ("nDCG@10", "R@100", "R@1000", "RR@10", "AP", "P@10", "R_cap@100")

Order = Literal["descending", "ascending", "file"]
Precision = Literal["float32", "float64"]
Counted = Literal["judged", "answered", "relevant"]


@dataclass(frozen=True)
class ScoringRules:
    """One choice for each rule; the defaults are those of `trec_eval -c`.

    `precision`, `order`: scores are compared in this precision, equal ones ordered by document id or left as in the
    file. `drop_self`: a document with the query's own id is dropped before ranks are given. `queries`: the mean is
    over all judged queries, over judged queries with results, or over queries with a relevant document.
    `threshold`: the lowest grade that is relevant in binary measures. `graded`: the gain of nDCG is the grade, else 1
    from grade 1 up. `depth`: where a measure without a cut-off stops. `capped`: the number of relevant documents, as
    the denominator of recall and AP, is at most the cut-off. `digits`: decimals that a mean is rounded to.
    """

    precision: Precision = "float32"
    order: Order = "descending"
    drop_self: bool = False
    queries: Counted = "judged"
    threshold: int = 1
    graded: bool = True
    depth: int | None = None
    capped: bool = False
    digits: int | None = None


@dataclass(frozen=True)
class Measure:
    """A measure of `KINDS` with its cut-off; no cut-off means the whole ranking."""

    kind: str
    cutoff: int | None = None

    def __str__(self) -> str:
        return self.kind if self.cutoff is None else f"{self.kind}@{self.cutoff}"


@dataclass(frozen=True)
class Convention:
    """How one toolkit scores: `rules` for every kind of measure, but for `special` kinds, and the kinds it has.

    `notes` says each rule in a sentence.
    """

    name: str
    rules: ScoringRules
    special: Mapping[str, ScoringRules] = field(default_factory=dict)
    kinds: tuple[str, ...] = KINDS
    notes: tuple[str, ...] = ()

    def for_measure(self, measure: Measure) -> ScoringRules | None:
        """The rules of one measure, None where the toolkit does not have it."""
        if measure.kind not in self.kinds:
            return None
        rules = self.special.get(measure.kind, self.rules)
        return replace(rules, capped=True) if measure.kind == "R_cap" else rules


def parse_measure(name: str) -> Measure:
    """The measure of a name such as "nDCG@10". Raises InputError for one that the toolkits do not share."""
    found = re.fullmatch(r"(\w+?)(?:@(\d+))?", name.strip())
    if found is None or found[1] not in KINDS or found[2] == "0" or (found[2] is None and found[1] in NEEDS_CUTOFF):
        raise InputError(
            f"the measure {name!r} has no counterpart in all conventions",
            "AP, RR, or one of " + ", ".join(f"{kind}@k" for kind in KINDS),
            "for other measures of ir_measures: ir-bench score",
        )
    return Measure(found[1], int(found[2]) if found[2] else None)
