"""The comparison as plain data; every renderer reads this and computes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Settings:
    """What the numbers depend on besides the scores. `tests`: how many p values of a kind were corrected together."""

    level: float
    alpha: float
    margin: float
    seed: int
    resamples: int
    rank_resamples: int
    permutations: int
    tests: int
    baseline: str | None = None


@dataclass(frozen=True)
class Mean:
    """One system's mean over the queries of one dataset, its bootstrap interval, and the letters of those it beats."""

    dataset: str
    measure: str
    system: str
    value: float
    low: float
    high: float
    best: bool
    letters: str


@dataclass(frozen=True)
class Pair:
    """`system` minus `other` on one dataset and measure. p values named `holm` are corrected over the comparison."""

    dataset: str
    measure: str
    system: str
    other: str
    difference: float
    low: float
    high: float
    randomisation_p: float
    randomisation_holm: float
    t_p: float
    t_holm: float
    cohens_d: float
    detectable: float
    equivalence_p: float
    equivalence_holm: float
    wins: int
    ties: int
    losses: int
    verdict: str


@dataclass(frozen=True)
class Overall:
    """One system over the datasets that all systems have: mean with its bootstrap interval, rank with its interval."""

    measure: str
    system: str
    value: float
    low: float
    high: float
    rank: float
    mean_rank: float
    rank_low: float
    rank_high: float
    best: bool


@dataclass(frozen=True)
class Average:
    """A typed average of one system: a value, or why there is none."""

    name: str
    measure: str
    system: str
    value: float | None
    missing: str = ""


@dataclass(frozen=True)
class Comparison:
    """`letters`: system -> letter, in the order shown; `queries`: dataset -> number; `common`: the datasets that the
    means in `overall` are over; `commands`: system -> what measures it, by dataset."""

    letters: Mapping[str, str]
    queries: Mapping[str, int]
    measures: Sequence[str]
    means: Sequence[Mean]
    pairs: Sequence[Pair]
    settings: Settings
    common: Sequence[str] = ()
    overall: Sequence[Overall] = ()
    averages: Sequence[Average] = ()
    commands: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def systems(self) -> list[str]:
        return list(self.letters)

    def mean(self, dataset: str, measure: str, system: str) -> Mean | None:
        wanted = (dataset, measure, system)
        return next((m for m in self.means if (m.dataset, m.measure, m.system) == wanted), None)


@dataclass(frozen=True)
class Found:
    """One document of a ranking. `grade`: its judgment; None where it has none or judgments are not at hand."""

    document: str
    text: str | None = None
    grade: int | None = None
    relevant: bool = False


@dataclass(frozen=True)
class Gap:
    """A query on which two systems differ: their values, and the first documents of each."""

    dataset: str
    query: str
    measure: str
    values: Mapping[str, float]
    found: Mapping[str, Sequence[Found]]
    text: str | None = None
