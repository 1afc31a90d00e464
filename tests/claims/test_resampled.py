"""Bootstrap intervals of statistics of means, against normal theory and scipy's bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from claims.build import two_datasets
from scipy import stats

from ir_bench.claims.resampled import interval, resampled_means
from ir_bench.evaluation.significance import bootstrap

X, Y, _, _ = two_datasets()


def first(means: np.ndarray) -> np.ndarray:
    return means[:, 0]


def test_two_queries_give_the_four_equally_likely_samples() -> None:
    means = resampled_means(np.array([[0.0, 10.0], [1.0, 20.0]]), seed=0)
    shares = {tuple(each): np.mean((means == each).all(axis=1)) for each in np.unique(means, axis=0)}
    # both the first; one of each; both the second
    assert shares == pytest.approx({(0, 10): 1 / 4, (0.5, 15): 1 / 2, (1, 20): 1 / 4}, abs=0.015)


def test_resampled_means_spread_as_theory_says() -> None:
    means = resampled_means(X[:, None], seed=1)[:, 0]
    assert means.mean() == pytest.approx(X.mean(), abs=0.001)
    assert means.std() == pytest.approx(X.std() / np.sqrt(len(X)), rel=0.02)


def test_drawing_in_blocks_gives_the_same_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = interval([X[:, None]], first, 0.95, 0)
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 7 * len(X))
    np.testing.assert_allclose(interval([X[:, None]], first, 0.95, 0), whole, atol=0.003)


def test_many_columns_are_drawn_as_one_is() -> None:
    many = np.column_stack([X, Y, *[X * i for i in range(20)]])  # recall at every depth: counted, not gathered
    means = resampled_means(many, seed=5, resamples=200)
    np.testing.assert_allclose(means[:, :2], resampled_means(many[:, :2], seed=5, resamples=200))


def test_the_interval_of_a_mean_is_that_of_scipy() -> None:
    value, *ends = interval([X[:, None]], first, 0.95, 0)
    theirs = stats.bootstrap((X,), np.mean, n_resamples=10_000, method="percentile", rng=5).confidence_interval
    assert value == pytest.approx(X.mean())
    np.testing.assert_allclose(ends, theirs, atol=0.003)


def test_the_interval_of_a_ratio_of_means_is_that_of_scipy() -> None:
    def ratio(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        return x.mean(axis=axis) / y.mean(axis=axis)

    value, *ends = interval([np.column_stack([X, Y])], lambda means: means[:, 0] / means[:, 1], 0.9, 0)
    theirs = stats.bootstrap(
        (X, Y), ratio, n_resamples=10_000, method="percentile", paired=True, confidence_level=0.9, rng=5
    ).confidence_interval
    assert value == pytest.approx(X.mean() / Y.mean())
    np.testing.assert_allclose(ends, theirs, atol=0.004)


def test_datasets_weigh_the_same_and_are_drawn_apart() -> None:
    large, small = np.zeros((1000, 1)), np.array([[0.0], [1.0]])  # half of the mean of the small one: 0, 1/4 or 1/2
    assert interval([large, small], first, 0.95, 0) == (0.25, 0.0, 0.5)


def test_equal_datasets_are_drawn_apart_too() -> None:
    _, low, high = interval([X[:, None]], first, 0.95, 0)
    _, lower, higher = interval(
        [X[:, None], X[:, None]], first, 0.95, 0
    )  # twice the queries: narrower by the root of 2
    assert higher - lower == pytest.approx((high - low) / np.sqrt(2), rel=0.03)


def test_datasets_may_weigh_differently() -> None:
    ones, zeros = np.ones((3, 1)), np.zeros((2, 1))
    assert interval([ones, zeros], first, 0.95, 0, weights=[0.9, 0.1]) == pytest.approx((0.9, 0.9, 0.9))


def test_a_wider_level_gives_a_wider_interval() -> None:
    value, low, high = interval([X[:, None]], first, 0.95, 0)
    _, lower, higher = interval([X[:, None]], first, 0.99, 0)
    assert lower < low < value < high < higher


def test_the_seed_decides() -> None:
    def at(seed: int) -> tuple[float, float, float]:
        return interval([X[:, None]], first, 0.95, seed)

    assert at(3) == at(3) != at(4)
