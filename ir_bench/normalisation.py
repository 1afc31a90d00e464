"""Scores of different systems brought to one scale, and what every fusion does with them: the arithmetic only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.types import Run

Normalisation = Literal["none", "min_max", "z_score", "max", "sum"]
Missing = Literal["zero", "minimum"]


def normalise(scores: NDArray[np.floating], how: Normalisation, lowest: float | None = None) -> NDArray[np.float64]:
    """Scores of one query's ranking [documents] on another scale, in float64.

    `none` keeps them; `min_max` maps the lowest to 0 and the highest to 1; `z_score` subtracts the mean and divides by
    the (population) standard deviation; `max` divides by the highest; `sum` subtracts the lowest and divides by the
    sum. Where all scores are equal, `min_max` gives 1 to each, `z_score` 0 and `sum` equal shares.
    `lowest` stands in for the lowest score found in `min_max`: the lowest that a system can give at all (0 for BM25,
    -1 for a cosine), as in the theoretical min-max of Bruch et al. 2023; a document with that score has 0.
    Raises InputError for an unknown scale, scores below `lowest` and a highest score that is not above 0 in `max`.
    """
    values = np.asarray(scores, np.float64)
    if how not in get_args(Normalisation):
        raise InputError(
            f"there is no normalisation {how!r}", ", ".join(get_args(Normalisation)), "choose one of these"
        )
    if len(values) == 0 or how == "none":
        return values
    low, high = values.min(), values.max()
    if how == "max":
        if high <= 0:
            raise InputError(f"the highest score of a ranking is {high}", "a score above 0", "use min_max")
        return values / high
    if how == "z_score":
        deviation = values.std()
        return (values - values.mean()) / deviation if high > low else np.zeros_like(values)
    if how == "min_max":
        if lowest is not None and low < lowest:
            raise InputError(
                f"a score is {low}", f"nothing below the stated lowest score {lowest}", "state a lower one"
            )
        floor = low if lowest is None else lowest
        equal = 1.0 if lowest is None else 0.0
        return (values - floor) / (high - floor) if high > floor else np.full_like(values, equal)
    return (values - low) / (values - low).sum() if high > low else np.full_like(values, 1 / len(values))


def contributions(
    run: Run, query: str, how: Normalisation, missing: Missing = "zero", lowest: float | None = None
) -> tuple[dict[str, float], float]:
    """Normalised scores of a query's documents, and what the run says of a document that it does not list.

    `zero` is nothing, `minimum` the lowest normalised score of the list; a run without results for the query says
    nothing of any document.
    """
    if missing not in get_args(Missing):
        raise InputError(
            f"there is no rule {missing!r} for absent documents", ", ".join(get_args(Missing)), "choose one"
        )
    if query not in run.rankings or not len(run[query]):
        return {}, 0.0
    values = normalise(run[query].scores, how, lowest)
    absent = float(values.min()) if missing == "minimum" else 0.0
    return dict(zip(run[query].documents, values.tolist(), strict=True)), absent


def each_query(runs: Mapping[str, Run]) -> Iterator[str]:
    """Every query of any run, once. Raises InputError when there is no run."""
    if not runs:
        raise InputError("no runs were given to fuse", "at least one", "name the retrievers to fuse")
    return iter(dict.fromkeys(query for run in runs.values() for query in run))


def weights_of(names: Iterable[str], weights: Mapping[str, float] | None, equal: float) -> dict[str, float]:
    """A weight for every run, `equal` where none are stated.

    Raises InputError for a weight that is not a finite number from 0 up, for a weight of an unknown run and for a run
    without a weight.
    """
    names = list(names)
    if weights is None:
        return dict.fromkeys(names, equal)
    for name, weight in weights.items():
        if name not in names:
            raise InputError(
                f"there is a weight for {name!r}, which is not fused", ", ".join(names), "correct its name"
            )
        if not 0 <= weight < float("inf"):
            raise InputError(f"the weight of {name!r} is {weight}", "a finite number, 0 or more", "set 0.5, say")
    for name in names:
        if name not in weights:
            raise InputError(
                f"{name!r} has no weight", f"weights for {', '.join(names)}", "add one, or state none at all"
            )
    return {name: float(weights[name]) for name in names}


def gathered(runs: Mapping[str, Run], query: str, normalisation: Normalisation) -> dict[str, list[float]]:
    """Each document's normalised scores in the runs that found it."""
    parts: dict[str, list[float]] = {}
    for run in runs.values():
        for document, score in contributions(run, query, normalisation)[0].items():
            parts.setdefault(document, []).append(score)
    return parts
