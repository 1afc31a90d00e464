"""Pearson's correlation of two systems over queries."""

from __future__ import annotations

import numpy as np
import pytest
from claims.build import roles, scored, two_datasets
from scipy import stats

from ir_bench.claims.finding import Finding
from ir_bench.claims.quantities.correlation import correlation
from ir_bench.errors import InputError


def of(x: list[float] | np.ndarray, y: list[float] | np.ndarray) -> Finding:
    return correlation({"a": roles(of=scored("x", {"AP": x}), over=scored("y", {"AP": y}))}, "AP", 0.95, 0)


def test_three_queries_by_hand() -> None:
    # deviations -1/4, 0, 1/4 and -1/2, 1/4, 1/4: 3/16 / sqrt(1/8 · 3/8)
    assert of([0, 0.25, 0.5], [0, 0.75, 0.75]).value == pytest.approx((3 / 16) / np.sqrt(1 / 8 * 3 / 8))


def test_value_and_interval_are_those_of_scipy() -> None:
    x, y, _, _ = two_datasets()
    found = of(x, y)
    assert found.value == pytest.approx(stats.pearsonr(x, y).statistic)
    theirs = stats.bootstrap(
        (x, y), lambda a, b, axis=-1: stats.pearsonr(a, b, axis=axis).statistic, n_resamples=10_000, paired=True,
        vectorized=True, method="percentile", rng=1,
    ).confidence_interval  # fmt: skip
    np.testing.assert_allclose([found.low, found.high], theirs, atol=0.01)


def test_datasets_are_averaged_after_correlating() -> None:
    x, y, z, w = two_datasets()
    cells = {
        "a": roles(of=scored("x", {"AP": x}), over=scored("y", {"AP": y})),
        "b": roles(of=scored("x", {"AP": z}), over=scored("y", {"AP": w})),
    }
    found = correlation(cells, "AP", 0.95, 0)
    each = [stats.pearsonr(x, y).statistic, stats.pearsonr(z, w).statistic]
    assert found.value == pytest.approx(np.mean(each))
    assert found.per_dataset == {"a": f"{each[0]:.3f}", "b": f"{each[1]:.3f}"}
    assert found.queries == 120


@pytest.mark.parametrize(("slope", "expected"), [(0.5, 1), (-0.5, -1)])
def test_a_line_correlates_fully(slope: float, expected: int) -> None:
    x, _, _, _ = two_datasets()
    found = of(x, 0.5 + slope * x)
    assert (found.value, found.low, found.high) == pytest.approx((expected, expected, expected))


@pytest.mark.parametrize("constant", [0.0, 0.1, 1 / 3])
def test_a_system_that_does_not_vary_correlates_with_nothing(constant: float) -> None:
    x, _, _, _ = two_datasets()
    found = of(x, np.full(len(x), constant))
    assert (found.value, found.low, found.high) == pytest.approx((0, 0, 0), abs=1e-6)


def test_other_rules_are_refused() -> None:
    cells = {"a": roles(of=scored("x", {"AP": [1]}), over=scored("y", {"AP": [1]}, rules={}))}
    with pytest.raises(InputError, match="different rules"):
        correlation(cells, "AP", 0.95, 0)
