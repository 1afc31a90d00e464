"""How certain a ranking of systems by their mean over datasets is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ir_bench.errors import InputError
from ir_bench.evaluation.significance.values import checked

RESAMPLES = 2_000
_AT_ONCE = 2_000_000
_TIE = 1e-12


@dataclass(frozen=True)
class RankInterval:
    """Mean over datasets, its rank (1 is best; tied systems share the mean of their ranks), the mean rank over
    resamples and the interval [low, high] of the rank."""

    score: float
    rank: float
    mean_rank: float
    low: float
    high: float


Values = ArrayLike | tuple[ArrayLike, ...]


def rank_intervals(
    scores: Mapping[str, Mapping[str, Values]],
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, RankInterval]:
    """For each system, the interval of its rank by the unweighted mean over datasets; `scores` is system -> dataset ->
    values [queries], the same queries in the same order for all systems; a tuple of such arrays is a dataset in parts,
    whose score is the mean of their means (CQADupStack).

    Each resample draws datasets with replacement and, within every dataset drawn, queries with replacement; all systems
    get the same draw. The interval therefore speaks of other datasets like these, not only of other queries.
    Raises InputError when systems have different datasets or numbers of queries.
    """
    systems = list(scores)
    datasets = list(next(iter(scores.values()), {}))
    if not datasets:
        raise InputError("there are no scores to rank", "at least one system with one dataset")
    tables = [_tables(scores, dataset) for dataset in datasets]
    if any(set(each) != set(datasets) for each in scores.values()):
        raise InputError("systems have different datasets", "the same datasets for all: " + ", ".join(datasets))
    random = np.random.default_rng(seed)
    drawn = random.integers(0, len(datasets), (resamples, len(datasets)))
    totals = np.zeros((resamples, len(systems)))
    for i, parts in enumerate(tables):
        owners = np.nonzero(drawn == i)[0]
        for table in parts:
            np.add.at(totals, owners, _resampled(table, len(owners), random) / len(parts))
    ranks = _ranks(totals / len(datasets))
    score = np.mean([np.mean([part.mean(axis=0) for part in parts], axis=0) for parts in tables], axis=0)
    rank = _ranks(score[None])[0]
    # ranks are whole numbers: the interval's ends are ranks that occurred
    low = np.quantile(ranks, (1 - level) / 2, axis=0, method="inverted_cdf")
    high = np.quantile(ranks, (1 + level) / 2, axis=0, method="inverted_cdf")
    return {
        name: RankInterval(*map(float, (score[i], rank[i], ranks[:, i].mean(), low[i], high[i])))
        for i, name in enumerate(systems)
    }


def _tables(scores: Mapping[str, Mapping[str, Values]], dataset: str) -> list[NDArray[np.float64]]:
    """Values [queries, systems] of each part of one dataset."""
    missing = [system for system, each in scores.items() if dataset not in each]
    if missing:
        raise InputError(f"{dataset} has no scores of {', '.join(missing)}", "the same datasets for all systems")
    tables = []
    given = {system: v if isinstance(v := each[dataset], tuple) else (v,) for system, each in scores.items()}
    for parts in zip(*given.values(), strict=True):
        columns = [checked(part, f"scores on {dataset}") for part in parts]
        if len({len(column) for column in columns}) > 1:
            raise InputError(f"{dataset}: the systems have different numbers of queries", "the same queries for all")
        tables.append(np.stack(columns, axis=1))
    return tables


def _resampled(table: NDArray[np.float64], times: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Means [times, systems] over queries drawn with replacement, one draw for all systems."""
    queries = len(table)
    means = np.empty((times, table.shape[1]))
    step = max(1, _AT_ONCE // queries)
    for start in range(0, times, step):
        size = min(step, times - start)
        cells = random.integers(0, queries, (size, queries)) + np.arange(size)[:, None] * queries
        counts = np.bincount(cells.ravel(), minlength=size * queries).reshape(size, queries)
        means[start : start + size] = counts @ table / queries
    return means


def _ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks [n, systems] of scores [n, systems], the highest 1, ties sharing the mean of their ranks."""
    gaps = scores[:, None, :] - scores[:, :, None]
    better = (gaps > _TIE).sum(axis=2)
    tied = (np.abs(gaps) <= _TIE).sum(axis=2)  # itself included
    return better + (tied + 1) / 2
