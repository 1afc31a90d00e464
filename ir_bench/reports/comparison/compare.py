"""The comparison of systems on the same queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured
from ir_bench.evaluation.significance import bootstrap, equivalence, randomisation, ranks
from ir_bench.evaluation.significance.effect_size import cohens_d
from ir_bench.evaluation.significance.holm import adjusted
from ir_bench.evaluation.significance.letters import lettered, superscripts
from ir_bench.evaluation.significance.power import minimum_detectable_difference
from ir_bench.evaluation.significance.t_test import t_test
from ir_bench.evaluation.significance.wins import wins
from ir_bench.reports.comparison.across import averages, common_datasets, overall
from ir_bench.reports.comparison.model import Comparison, Mean, Pair, Settings
from ir_bench.reports.comparison.systems import Cells, require_same_data, settings_vary, systems

_SAME = 1e-12  # means this close are both the best


def compare(
    measured: Sequence[Measured],
    measures: Sequence[str],
    baseline: str | None = None,
    level: float = 0.95,
    alpha: float = 0.05,
    margin: float = 0.01,
    seed: int = 0,
    permutations: int = randomisation.RESAMPLES,
) -> Comparison:
    """Means with bootstrap intervals, and every pair of systems (each against `baseline` where one is named): paired
    tests, Holm-corrected over all datasets, measures and pairs of this comparison; effect size, what could have been
    detected, equivalence within `margin`, wins; over several datasets their means, typed averages and ranks.

    Letters and verdicts follow the corrected randomisation test at `alpha`. Raises InputError when systems of one
    dataset were measured on different data, when no dataset has two systems, for a baseline that is unknown or alone on
    its datasets, and for a measure that was not scored.
    """
    cells = systems(measured)
    require_same_data(cells)
    datasets = list(dict.fromkeys(result.dataset for result in measured))
    if not any(sum(dataset in results for results in cells.values()) > 1 for dataset in datasets):
        raise InputError(
            f"nothing to compare: no dataset has two systems (systems: {', '.join(cells) or 'none'})",
            "at least two systems measured on one dataset",
            "name another system, or another dataset",
        )
    if baseline is not None and baseline not in cells:
        raise InputError(f"there is no system named {baseline!r}", "one of: " + ", ".join(cells), "check --baseline")
    if baseline is not None and not any(_pairings(cells, dataset, baseline) for dataset in datasets):
        raise InputError(
            f"no other system has a dataset of {baseline}: {', '.join(cells[baseline])}",
            "a baseline that shares a dataset with another system",
            "measure another system there, or name another baseline",
        )
    pairs = _corrected(
        [
            _pair(cells, dataset, measure, system, other, level, alpha, margin, seed, permutations)
            for dataset in datasets
            for measure in measures
            for system, other in _pairings(cells, dataset, baseline)
        ],
        alpha,
        margin,
    )
    return Comparison(
        letters=lettered(list(cells)),
        queries={d: len(next(r[d] for r in cells.values() if d in r).queries) for d in datasets},
        measures=list(measures),
        means=[mean for d in datasets for m in measures for mean in _means(cells, d, m, pairs, level, alpha, seed)],
        pairs=pairs,
        settings=Settings(
            level, alpha, margin, seed, bootstrap.RESAMPLES, ranks.RESAMPLES, permutations, len(pairs), baseline
        ),
        common=common_datasets(cells),
        overall=overall(cells, measures, level, seed),
        averages=averages(cells, measures),
        commands={label: [r.command for r in results.values() if r.command] for label, results in cells.items()},
        notes=[
            *(note for label, results in cells.items() if (note := settings_vary(label, results.values()))),
            *_too_many(len(pairs), permutations, alpha),
        ],
    )


def differences(cells: Cells, dataset: str, measure: str, system: str, other: str) -> NDArray[np.float64]:
    """`system` minus `other` for each query [queries], in the order of `system`."""
    one, two = cells[system][dataset], cells[other][dataset]
    values, against = one.values(measure), two.values(measure)
    if one.queries != two.queries:
        place = {query: i for i, query in enumerate(two.queries)}
        against = against[[place[query] for query in one.queries]]
    return values - against


def _too_many(tests: int, permutations: int, alpha: float) -> list[str]:
    """A note where even the smallest p of a sampled randomisation test is above `alpha` once corrected."""
    if tests <= alpha * (permutations + 1):
        return []
    return [
        f"{tests:,} tests are too many for {permutations:,} random sign patterns: no corrected p of a randomisation "
        f"test over them can reach {alpha:g}; compare fewer systems, measures or datasets, or each with a baseline"
    ]


def _pairings(cells: Cells, dataset: str, baseline: str | None) -> list[tuple[str, str]]:
    there = [label for label, results in cells.items() if dataset in results]
    if baseline is None:
        return list(combinations(there, 2))
    return [(label, baseline) for label in there if label != baseline] if baseline in there else []


def _pair(
    cells: Cells, dataset: str, measure: str, system: str, other: str,
    level: float, alpha: float, margin: float, seed: int, permutations: int,
) -> Pair:  # fmt: skip
    gaps = differences(cells, dataset, measure, system, other)
    low, high = bootstrap.interval(gaps, level, seed=seed)
    by_chance, t = randomisation.p_value(gaps, permutations, seed), t_test(gaps).p
    equivalent, counts = equivalence.p_value(gaps, margin), wins(gaps)
    return Pair(
        dataset, measure, system, other, float(gaps.mean()), low, high,
        randomisation_p=by_chance, randomisation_holm=by_chance, t_p=t, t_holm=t, cohens_d=cohens_d(gaps),
        detectable=minimum_detectable_difference(gaps, alpha), equivalence_p=equivalent, equivalence_holm=equivalent,
        wins=counts.wins, ties=counts.ties, losses=counts.losses, verdict="",
    )  # fmt: skip


def _corrected(pairs: Sequence[Pair], alpha: float, margin: float) -> list[Pair]:
    by_chance = adjusted([pair.randomisation_p for pair in pairs])
    t, equivalent = adjusted([pair.t_p for pair in pairs]), adjusted([pair.equivalence_p for pair in pairs])
    found = []
    for pair, *p in zip(pairs, by_chance.tolist(), t.tolist(), equivalent.tolist(), strict=True):
        words = []
        if p[0] <= alpha:
            words.append(f"{pair.system if pair.difference > 0 else pair.other} is better")
        if p[2] <= alpha:
            words.append(f"equivalent within ±{margin:g}")
        verdict = ", yet ".join(words) or "undecided"
        found.append(replace(pair, randomisation_holm=p[0], t_holm=p[1], equivalence_holm=p[2], verdict=verdict))
    return found


def _means(
    cells: Cells, dataset: str, measure: str, pairs: Sequence[Pair], level: float, alpha: float, seed: int
) -> list[Mean]:
    values = {label: results[dataset].values(measure) for label, results in cells.items() if dataset in results}
    best = max(v.mean() for v in values.values())
    here = [p for p in pairs if (p.dataset, p.measure) == (dataset, measure) and p.randomisation_holm <= alpha]
    beats = {(p.system, p.other) if p.difference > 0 else (p.other, p.system) for p in here}
    letters = superscripts(list(cells), beats)
    return [
        Mean(
            dataset, measure, label, float(v.mean()), *bootstrap.interval(v, level, seed=seed),
            best=len(values) > 1 and bool(v.mean() >= best - _SAME), letters=letters[label],
        )
        for label, v in values.items()
    ]  # fmt: skip
