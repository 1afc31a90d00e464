"""The difference between two systems."""

from __future__ import annotations

import math

import numpy as np
import pytest
from claims.build import roles, scored, two_datasets
from scipy import stats

from ir_bench.claims.quantities.difference import difference
from ir_bench.errors import InputError


def test_three_queries_by_hand() -> None:
    cells = {"a": roles(of=scored("x", {"AP": [0.5, 0.75, 1]}), over=scored("y", {"AP": [0.25, 0.5, 0.25]}))}
    found = difference(cells, "AP", 0.95, 0)
    assert found.value == pytest.approx((0.25 + 0.25 + 0.75) / 3)
    assert found.p == 2 / 8  # of the eight patterns of signs, +++ and --- give so large a sum
    assert (found.test, found.queries, found.per_dataset) == ("paired randomisation", 3, {"a": "+0.4167"})
    assert (found.low, found.high) == (0.25, 0.75)  # all three draws the same


def test_datasets_weigh_the_same() -> None:
    cells = {
        "a": roles(of=scored("x", {"AP": [0.5, 0.5]}), over=scored("y", {"AP": [0, 0]})),
        "b": roles(of=scored("x", {"AP": [0] * 6}), over=scored("y", {"AP": [0.25] * 6})),
    }
    found = difference(cells, "AP", 0.95, 0)
    assert found.value == found.low == found.high == (0.5 - 0.25) / 2
    assert found.per_dataset == {"a": "+0.5000", "b": "-0.2500"}


def test_exchanging_the_systems_changes_the_sign() -> None:
    x, y, _, _ = two_datasets()
    one, other = scored("x", {"AP": x}), scored("y", {"AP": y})
    found = difference({"a": roles(of=one, over=other)}, "AP", 0.95, 0)
    exchanged = difference({"a": roles(of=other, over=one)}, "AP", 0.95, 0)
    assert (exchanged.value, exchanged.low, exchanged.high) == pytest.approx((-found.value, -found.high, -found.low))
    assert exchanged.p == found.p


def test_interval_and_p_are_those_of_scipy() -> None:
    x, y, _, _ = two_datasets()
    x, y = x[:14], y[:14] + 0.05  # few, so that scipy counts all sign patterns too
    found = difference({"a": roles(of=scored("x", {"AP": x}), over=scored("y", {"AP": y}))}, "AP", 0.9, 0)
    theirs = stats.bootstrap(
        (x - y,), np.mean, n_resamples=10_000, method="percentile", confidence_level=0.9, rng=1
    ).confidence_interval
    np.testing.assert_allclose([found.low, found.high], theirs, atol=0.003)
    test = stats.permutation_test(
        (x - y,), lambda gap, axis=-1: gap.mean(axis=axis), permutation_type="samples", n_resamples=math.inf,
        vectorized=True,
    )  # fmt: skip
    assert found.p == pytest.approx(test.pvalue)


def test_with_a_margin_p_is_that_of_two_one_sided_t_tests() -> None:
    x, y, _, _ = two_datasets()
    cells = {"a": roles(of=scored("x", {"AP": x}), over=scored("y", {"AP": y}))}
    found = difference(cells, "AP", 0.95, 0, margin=0.12)
    above = stats.ttest_1samp(x - y, -0.12, alternative="greater").pvalue
    below = stats.ttest_1samp(x - y, 0.12, alternative="less").pvalue
    assert found.p == pytest.approx(max(above, below))
    assert found.test == "equivalence within ±0.12"


def test_p_is_of_the_mean_over_datasets() -> None:
    """The weighted differences have the mean of the datasets' means, whatever their numbers of queries."""
    x, y, z, w = two_datasets()
    cells = {
        "a": roles(of=scored("x", {"AP": x}), over=scored("y", {"AP": y})),
        "b": roles(of=scored("x", {"AP": z}), over=scored("y", {"AP": w})),
    }
    found = difference(cells, "AP", 0.95, 0, margin=0.2)
    gaps = np.concatenate([(x - y) * 120 / (2 * 80), (z - w) * 120 / (2 * 40)])
    assert found.value == pytest.approx(gaps.mean()) == pytest.approx(((x - y).mean() + (z - w).mean()) / 2)
    below = stats.ttest_1samp(gaps, 0.2, alternative="less").pvalue
    above = stats.ttest_1samp(gaps, -0.2, alternative="greater").pvalue
    assert found.p == pytest.approx(max(above, below))


def test_the_detectable_difference_would_be_found_four_times_in_five() -> None:
    x, y, _, _ = two_datasets()
    found = difference({"a": roles(of=scored("x", {"AP": x}), over=scored("y", {"AP": y}))}, "AP", 0.95, 0)
    assert found.detectable is not None
    random = np.random.default_rng(0)
    samples = random.normal(found.detectable, (x - y).std(ddof=1), (4000, len(x)))
    assert (stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05).mean() == pytest.approx(0.8, abs=0.025)


def test_equal_systems_differ_by_nothing() -> None:
    one = scored("x", {"AP": [0.5, 0.25]})
    found = difference({"a": roles(of=one, over=one)}, "AP", 0.95, 0)
    assert (found.value, found.low, found.high, found.p, found.detectable) == (0, 0, 0, 1, 0)


def test_other_judgments_are_refused() -> None:
    cells = {"a": roles(of=scored("x", {"AP": [1]}), over=scored("y", {"AP": [1]}, judgments="j1"))}
    with pytest.raises(InputError, match="different judgments"):
        difference(cells, "AP", 0.95, 0)
