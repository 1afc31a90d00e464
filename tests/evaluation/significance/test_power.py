"""The minimum detectable difference, against statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ir_bench.errors import InputError
from ir_bench.evaluation.significance.power import minimum_detectable_difference
from ir_bench.evaluation.significance.t_test import t_test


@pytest.mark.parametrize(("queries", "power"), [(3, 0.8), (10, 0.8), (50, 0.5), (50, 0.95), (300, 0.8), (6980, 0.8)])
def test_it_is_that_of_statsmodels(queries, power):
    solver = pytest.importorskip("statsmodels.stats.power").TTestPower()
    differences = np.random.default_rng(queries).normal(0.1, 0.25, queries)
    size = minimum_detectable_difference(differences, power=power) / differences.std(ddof=1)
    assert solver.power(size, queries, 0.05, alternative="two-sided") == pytest.approx(power, abs=1e-9)
    theirs = solver.solve_power(nobs=queries, alpha=0.05, power=power, alternative="two-sided")
    assert size == pytest.approx(theirs, rel=1e-4)  # it stops searching earlier


def test_two_queries():
    stats = pytest.importorskip("scipy.stats")
    shift = minimum_detectable_difference([0.0, 0.2]) / np.std([0.0, 0.2], ddof=1) * math.sqrt(2)
    assert stats.nct.sf(stats.t.ppf(0.975, 1), 1, shift) == pytest.approx(0.8)  # the lower tail is far away


@pytest.mark.parametrize("alpha", [0.01, 0.001, 0.0001])
@pytest.mark.parametrize("queries", [2, 5, 20, 100, 1000])
def test_a_strict_alpha_needs_a_larger_difference(queries, alpha):
    differences = np.random.default_rng(queries).normal(0, 1, queries)
    strict = minimum_detectable_difference(differences, alpha)
    assert minimum_detectable_difference(differences) < strict < math.inf


def test_a_difference_of_that_size_is_found_so_often():
    random = np.random.default_rng(0)
    sample = random.normal(0, 1, 40)
    sample = (sample - sample.mean()) / sample.std(ddof=1)
    detectable = minimum_detectable_difference(sample)
    found = [t_test(random.normal(detectable, 1, 40)).p <= 0.05 for _ in range(2000)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.035)


def test_without_spread_any_difference_is_found_and_with_one_query_none():
    assert minimum_detectable_difference([0.2, 0.2, 0.2]) == 0
    assert minimum_detectable_difference([0.2]) == math.inf


def test_a_power_below_alpha_is_refused():
    with pytest.raises(InputError, match="alpha"):
        minimum_detectable_difference([0.1, 0.2], alpha=0.05, power=0.01)
