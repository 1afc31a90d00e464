"""Averages over datasets whose name says which datasets they are over."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ir_bench.errors import InputError

_BEIR_13 = (
    "beir/arguana", "beir/climate-fever", "beir/dbpedia-entity", "beir/fever", "beir/fiqa", "beir/hotpotqa",
    "beir/nfcorpus", "beir/nq", "beir/quora", "beir/scidocs", "beir/scifact", "beir/trec-covid",
    "beir/webis-touche2020",
)  # fmt: skip
_BEIR_14 = (*_BEIR_13, "beir/cqadupstack")

# The thirteen are those that SPLADE's authors average over; CQADupStack's twelve forums count as one set.
AVERAGES: Mapping[str, tuple[str, ...]] = {
    "BEIR-13": _BEIR_13,
    "BEIR-14": _BEIR_14,
    "BEIR-15": (*_BEIR_14, "beir/msmarco"),
    "BEIR-18": (*_BEIR_14, "beir/bioasq", "beir/signal1m", "beir/trec-news", "beir/robust04"),
}
# BEIR's test split of MS MARCO is TREC DL 2019 with 43 queries; averages are over dev.
SPLITS = {"beir/msmarco": "dev"}
GROUPS = {
    "beir/cqadupstack": tuple(
        f"beir/cqadupstack/{forum}"
        for forum in (
            "android", "english", "gaming", "gis", "mathematica", "physics",
            "programmers", "stats", "tex", "unix", "webmasters", "wordpress",
        )
    )
}  # fmt: skip


@dataclass(frozen=True)
class Mean:
    """An arithmetic mean and the datasets it is over."""

    value: float
    datasets: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.value:.4f} (mean over {len(self.datasets)} sets: {', '.join(self.datasets)})"


def members(name: str) -> tuple[str, ...]:
    """The datasets of an average: `BEIR-13`, also written `beir13`. Raises InputError for a name it does not know."""
    known = {_plain(each): datasets for each, datasets in AVERAGES.items()}
    if _plain(name) not in known:
        raise InputError(f"there is no average named {name!r}", "one of: " + ", ".join(AVERAGES), "check the spelling")
    return known[_plain(name)]


def average(name: str, scores: Mapping[str, float], splits: Mapping[str, str] | None = None) -> float:
    """The arithmetic mean of `scores` (dataset -> value) over the members of an average, other datasets ignored.

    `splits`, dataset -> split, is looked at where a member has several that papers confuse: beir/msmarco must be its
    dev split. Raises InputError for a hole, naming what is missing, for a value that is not finite and for another
    split, or an unknown one, of such a member.
    """
    wanted, scores = members(name), merged(scores)
    missing = [dataset for dataset in wanted if dataset not in scores]
    if missing:
        raise InputError(
            f"{name} is not complete: {len(missing)} of {len(wanted)} sets are missing: {', '.join(missing)}",
            "a score for every set of the average",
            "measure the missing sets, or use a mean over the sets that are there, and say which",
        )
    for dataset, split in SPLITS.items():
        found = (splits or {}).get(dataset)
        if dataset in wanted and found != split:
            raise InputError(
                f"{name}: {dataset} was measured on {f'its split {found!r}' if found else 'a split that is not given'}",
                f"its split {split!r}, which {name} is over",
                f"measure it with dataset={dataset} dataset.split={split}",
            )
    return mean_over(wanted, scores).value


def mean_over(datasets: Collection[str], scores: Mapping[str, float]) -> Mean:
    """The arithmetic mean over any datasets, with their names. Raises InputError for none, one given twice, a hole and
    a value that is not finite."""
    names = tuple(datasets)
    holes = [dataset for dataset in names if not math.isfinite(scores.get(dataset, math.nan))]
    if holes or not names or len(set(names)) < len(names):
        raise InputError(
            f"no score of {', '.join(holes)}" if holes else f"a mean over the sets {list(names)}",
            "at least one set, each once and with a finite score",
            "measure what is missing, or leave it out for every system",
        )
    return Mean(math.fsum(scores[dataset] for dataset in names) / len(names), names)


def merged(scores: Mapping[str, float]) -> dict[str, float]:
    """The same scores with the parts of a group replaced by their mean where all are there (CQADupStack's forums)."""
    found = dict(scores)
    for group, parts in GROUPS.items():
        if all(part in found for part in parts):
            found.setdefault(group, mean_over(parts, found).value)
            found = {dataset: value for dataset, value in found.items() if dataset not in parts}
    return found


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
