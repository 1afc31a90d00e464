"""Intervals of a mean over queries."""

from __future__ import annotations

import numpy as np
import pytest

from ir_bench.errors import InputError
from ir_bench.evaluation.significance import bootstrap

VALUES = np.random.default_rng(1).beta(2, 3, 200)


def test_the_interval_is_that_of_scipy():
    scipy = pytest.importorskip("scipy.stats")
    theirs = scipy.bootstrap((VALUES,), np.mean, n_resamples=20_000, method="percentile", rng=5).confidence_interval
    np.testing.assert_allclose(bootstrap.interval(VALUES), theirs, atol=1e-3)


def test_a_wider_level_gives_a_wider_interval():
    low, high = bootstrap.interval(VALUES, level=0.95)
    lower, higher = bootstrap.interval(VALUES, level=0.99)
    assert lower < low < VALUES.mean() < high < higher


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    assert bootstrap.interval(VALUES, seed=3) == bootstrap.interval(VALUES, seed=3)
    assert bootstrap.interval(VALUES, seed=3) != bootstrap.interval(VALUES, seed=4)


def test_it_covers_the_mean_as_often_as_it_says():
    random = np.random.default_rng(0)
    covered = 0
    for i in range(400):
        low, high = bootstrap.interval(random.normal(0.3, 0.2, 60), resamples=1000, seed=i)
        covered += low <= 0.3 <= high
    assert 0.91 < covered / 400 < 0.98


def test_equal_values_have_an_interval_of_no_width():
    assert bootstrap.interval([0.1] * 7) == (0.1, 0.1)
    assert bootstrap.interval([0.3]) == (0.3, 0.3)


def test_drawing_in_blocks_changes_nothing(monkeypatch):
    whole = bootstrap.interval(VALUES, resamples=500)
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 10 * len(VALUES))
    np.testing.assert_allclose(bootstrap.interval(VALUES, resamples=500), whole, atol=5e-3)


def test_each_set_of_queries_weighs_the_same_and_is_drawn_on_its_own():
    large, small = np.zeros(1000), np.array([0.0, 1.0])  # half of the mean of means is 0, 1/2 or 1
    low, high = bootstrap.strata_interval([large, small])
    assert (low, high) == (0.0, 0.5)


def test_sets_of_queries_may_weigh_differently():
    assert bootstrap.strata_interval([[1.0, 1.0], [0.0]], weights=[0.9, 0.1]) == pytest.approx((0.9, 0.9))


def test_sets_of_queries_are_averaged_as_normal_theory_says():
    random = np.random.default_rng(2)
    strata = [random.normal(0, 1, 400), random.normal(1, 3, 900)]
    error = 0.5 * np.sqrt(strata[0].var() / 400 + strata[1].var() / 900)
    centre = 0.5 * (strata[0].mean() + strata[1].mean())
    np.testing.assert_allclose(
        bootstrap.strata_interval(strata), [centre - 1.96 * error, centre + 1.96 * error], atol=0.006
    )


@pytest.mark.parametrize("values", [[], [0.1, np.nan], [[0.1, 0.2]], [np.inf]])
def test_what_is_no_list_of_finite_numbers_is_refused(values):
    with pytest.raises(InputError):
        bootstrap.interval(values)


def test_a_level_of_one_is_refused():
    with pytest.raises(InputError, match="level"):
        bootstrap.interval(VALUES, level=1.0)
