"""The paired t test, against scipy and ranx."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ir_bench.evaluation.significance.t_test import t_test


@pytest.mark.parametrize("queries", [2, 3, 30, 7000])
def test_it_is_the_paired_t_of_scipy(queries):
    scipy = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(queries)
    x, y = random.random(queries), random.random(queries)
    theirs, ours = scipy.ttest_rel(x, y), t_test(x - y)
    interval = theirs.confidence_interval(0.95)
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high))


def test_it_is_the_student_of_ranx():
    tests = pytest.importorskip("ranx.statistical_tests")
    random = np.random.default_rng(0)
    x, y = random.random(50), random.random(50)
    assert t_test(x - y).p == pytest.approx(tests.paired_student_t_test(x, y, 0.05)[0])


def test_by_hand():
    # mean 2, deviation 1, n 3: t = 2 / (1 / √3)
    assert t_test([1.0, 2.0, 3.0]).statistic == pytest.approx(2 * math.sqrt(3))


def test_a_very_small_p_is_not_rounded_to_zero():
    differences = np.random.default_rng(1).normal(1, 0.3, 500)
    assert 0 < t_test(differences).p < 1e-100


def test_identical_systems_have_p_one_and_no_interval():
    found = t_test(np.zeros(5))
    assert (found.statistic, found.p, found.low, found.high) == (0, 1, 0, 0)


def test_equal_differences_are_certain():
    found = t_test(np.array([0.3, 0.1 + 0.2, 0.3]))  # equal but for rounding
    assert (found.statistic, found.p) == (math.inf, 0)
    assert t_test([-0.1, -0.1]).statistic == -math.inf


def test_one_query_says_nothing():
    found = t_test([0.4])
    assert (found.statistic, found.p, found.low, found.high) == (0, 1, -math.inf, math.inf)
