"""Systems over several datasets: means that say what they are over, typed averages, intervals of ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.evaluation.averages import AVERAGES, GROUPS, average, mean_over, members, merged
from ir_bench.evaluation.significance.bootstrap import strata_interval
from ir_bench.evaluation.significance.ranks import rank_intervals
from ir_bench.reports.comparison.model import Average, Overall
from ir_bench.reports.comparison.systems import Cells


def common_datasets(cells: Cells) -> list[str]:
    """The datasets that every system has; a group of which all parts are there (CQADupStack) counts as one."""
    first, *others = cells.values()
    return list(merged({name: 0.0 for name in first if all(name in other for other in others)}))


def overall(cells: Cells, measures: Sequence[str], level: float, seed: int) -> list[Overall]:
    """Each system's mean over the common datasets and its rank by it, with intervals; nothing for a single dataset."""
    datasets = common_datasets(cells)
    if len(datasets) < 2:
        return []
    rows = []
    for measure in measures:
        values = {label: {name: _values(cells, label, name, measure) for name in datasets} for label in cells}
        ranks = rank_intervals(values, level, seed=seed)
        first = min(r.rank for r in ranks.values())
        for label, of_one in values.items():
            strata = [part for parts in of_one.values() for part in parts]
            weights = [1 / len(datasets) / len(parts) for parts in of_one.values() for _ in parts]
            mean = mean_over(datasets, {n: float(np.mean([p.mean() for p in parts])) for n, parts in of_one.items()})
            low, high = strata_interval(strata, level, seed=seed, weights=weights)
            r = ranks[label]
            place = (r.rank, r.mean_rank, r.low, r.high)
            rows.append(Overall(measure, label, mean.value, low, high, *place, best=r.rank == first))
    return rows


def averages(cells: Cells, measures: Sequence[str]) -> list[Average]:
    """The typed averages that a system reaches, and for each system and measure the smallest that lacks datasets, with
    what is missing; nothing unless a system has two datasets of one."""
    rows = []
    for label, results in cells.items():
        for measure in measures:
            scores = {name: float(result.values(measure).mean()) for name, result in results.items()}
            splits = {name: result.split for name, result in results.items()}
            if all(len(merged(scores).keys() & set(members(name))) < 2 for name in AVERAGES):
                continue
            refused: Average | None = None
            for name in AVERAGES:
                try:
                    rows.append(Average(name, measure, label, average(name, scores, splits)))
                except InputError as error:
                    said = error.happened.removeprefix(f"{name} is ").removeprefix(f"{name}: ")
                    refused = refused or Average(name, measure, label, None, said)
            rows += [refused] if refused else []
    return rows


def _values(cells: Cells, label: str, dataset: str, measure: str) -> tuple[NDArray[np.float64], ...]:
    """Values [queries] of a dataset, or of each part of a group; queries in the order of the first system."""
    if dataset in cells[label]:
        return (_ordered(cells, label, dataset, measure),)
    return tuple(_ordered(cells, label, part, measure) for part in GROUPS[dataset])


def _ordered(cells: Cells, label: str, dataset: str, measure: str) -> NDArray[np.float64]:
    result, first = cells[label][dataset], next(iter(cells.values()))[dataset]
    values = dict(zip(result.queries, result.values(measure).tolist(), strict=True))
    return np.array([values[query] for query in first.queries])
