"""A measure along a sweep."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from claims.build import roles, scored
from scipy import stats

from ir_bench.claims.finding import FAILS, HOLDS, Finding, decide
from ir_bench.claims.quantities.monotone import monotone
from ir_bench.errors import InputError
from ir_bench.types import Run


def along(*curve: list[float] | np.ndarray) -> Finding:
    sweep = [scored(f"x{i}", {"AP": values}) for i, values in enumerate(curve)]
    return monotone({"a": roles(of=sweep)}, "AP", 0.95, 0)


def test_the_smallest_step_counts() -> None:
    found = along([0, 0], [0.5, 0.5], [0.75, 0.75])
    assert found.value == found.low == found.high == 0.25
    assert decide(found, "at least", 0) == HOLDS
    assert (found.per_dataset, found.queries) == ({"a": "0.0000 → 0.5000 → 0.7500"}, 2)


def test_one_step_down_is_enough_to_fail() -> None:
    found = along([0, 0], [0.75, 0.75], [0.5, 0.5], [1, 1])
    assert found.value == -0.25
    assert decide(found, "at least", 0) == FAILS


def test_steps_of_datasets_are_averaged() -> None:
    def sweep(*curve: list[float]) -> list:
        return [scored(f"x{i}", {"AP": values}) for i, values in enumerate(curve)]

    cells = {"a": roles(of=sweep([0], [0.5])), "b": roles(of=sweep([0.5, 0.5], [0.25, 0.25]))}
    assert monotone(cells, "AP", 0.95, 0).value == (0.5 - 0.25) / 2  # up more than down


def test_the_interval_is_corrected_for_the_number_of_steps() -> None:
    random = np.random.default_rng(0)
    curve = [random.random(60) for _ in range(4)]
    found = along(*curve)
    ends = [
        stats.bootstrap(
            (after - before,), np.mean, n_resamples=10_000, confidence_level=1 - 0.05 / 3, method="percentile", rng=1
        ).confidence_interval
        for before, after in pairwise(curve)
    ]
    assert found.low == pytest.approx(min(low for low, _ in ends), abs=0.012)
    assert found.high == pytest.approx(min(high for _, high in ends), abs=0.012)
    assert found.value == pytest.approx(min(np.mean(b - a) for a, b in pairwise(curve)))


def test_overlap_along_a_sweep() -> None:
    def run(documents: str) -> Run:
        return Run.of({"q0": {d: -float(i) for i, d in enumerate(documents)}})

    exact = scored("flat", {"AP": [0]}, run=run("abcd"))
    sweep = [scored(f"hnsw{i}", {"AP": [0]}, run=run(each)) for i, each in enumerate(["wxyz", "abxy", "abcd"])]
    found = monotone({"a": roles(of=sweep, exact=exact)}, "overlap@4", 0.95, 0)
    assert (found.value, found.per_dataset) == (0.5, {"a": "0.0000 → 0.5000 → 1.0000"})


@pytest.mark.parametrize("cells", [0, 1])
def test_a_sweep_has_at_least_two_cells(cells: int) -> None:
    with pytest.raises(InputError, match=f"the sweep has {cells} cells"):
        along(*[[0.5]] * cells)


def test_a_sweep_over_different_data_is_refused() -> None:
    sweep = [scored("x", {"AP": [0]}), scored("x", {"AP": [0]}, judgments="j1")]
    with pytest.raises(InputError, match="different judgments"):
        monotone({"a": roles(of=sweep)}, "AP", 0.95, 0)
