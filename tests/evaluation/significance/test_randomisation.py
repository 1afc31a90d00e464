"""The paired randomisation test, against enumeration, scipy and ranx."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.evaluation.significance import randomisation


def enumerated(differences: list[float]) -> float:
    """Every sign pattern, one by one."""
    observed = abs(sum(differences))
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    return sum(s >= observed - 1e-9 for s in sums) / len(sums)


def test_three_wins_by_hand():
    # of 8 sign patterns only +++ and --- reach the observed sum
    assert randomisation.p_value([0.1, 0.2, 0.3]) == 2 / 8


def test_sums_that_tie_but_for_rounding_are_counted():
    assert randomisation.p_value([0.1, 0.2, -0.3]) == 1.0


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=9))
def test_few_queries_are_enumerated(whole):
    differences = [i / 20 for i in whole]
    assert randomisation.p_value(differences) == pytest.approx(enumerated(differences), abs=1e-12)


@pytest.mark.parametrize("queries", [8, 9, 13, 16])
def test_the_exact_p_is_that_of_scipy(queries):
    scipy = pytest.importorskip("scipy.stats")
    differences = np.random.default_rng(queries).normal(0.3, 1, queries)
    theirs = scipy.permutation_test(
        (differences, np.zeros(queries)), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
    )
    assert randomisation.p_value(differences) == pytest.approx(theirs.pvalue, abs=1e-12)


def test_sampling_agrees_with_enumeration():
    differences = np.random.default_rng(3).normal(0.4, 1, 16)
    exact, sampled = randomisation.p_value(differences, 2**16), randomisation.p_value(differences, 50_000)
    assert exact != sampled
    assert sampled == pytest.approx(exact, abs=4 * np.sqrt(exact / 50_000))


def test_many_queries_agree_with_the_normal_approximation():
    differences = np.random.default_rng(4).normal(0.01, 0.3, 3001)
    z = abs(differences.sum()) / np.sqrt((differences**2).sum())
    normal = pytest.importorskip("scipy.stats").norm.sf(z) * 2
    assert randomisation.p_value(differences) == pytest.approx(normal, abs=0.006)


def test_it_agrees_with_ranx():
    fisher = pytest.importorskip("ranx.statistical_tests").fisher_randomization_test
    random = np.random.default_rng(5)
    control = random.random(80)
    treatment = control + random.normal(0.03, 0.15, 80)
    theirs, _ = fisher(control, treatment, 50_000, 0.01, 7)
    assert randomisation.p_value(treatment - control) == pytest.approx(theirs, abs=0.006)


def test_under_the_null_p_is_uniform():
    random = np.random.default_rng(6)
    p = np.array([randomisation.p_value(random.normal(0, 1, 40), 1000, seed=i) for i in range(600)])
    for level in (0.05, 0.2, 0.5):
        assert abs((p <= level).mean() - level) < 4 * np.sqrt(level * (1 - level) / 600)


def test_queries_without_difference_change_nothing():
    differences = np.random.default_rng(7).normal(0.1, 1, 60)
    padded = np.concatenate([differences, np.zeros(40)])
    assert randomisation.p_value(differences, seed=1) == randomisation.p_value(padded, seed=1)


def test_a_p_of_zero_is_never_claimed():
    assert randomisation.p_value(np.full(500, 0.2), 999) == 1 / 1000


def test_identical_systems_have_p_one():
    assert randomisation.p_value(np.zeros(50)) == 1.0


def test_blocks_are_only_a_matter_of_memory(monkeypatch):
    differences = np.random.default_rng(8).normal(0.1, 1, 100)
    whole = randomisation.p_value(differences, 20_000)
    monkeypatch.setattr(randomisation, "_AT_ONCE", 13 * 50)
    assert randomisation.p_value(differences, 20_000) == pytest.approx(whole, abs=0.02)


def test_both_signs_give_the_same_p():
    differences = np.random.default_rng(9).normal(0.1, 1, 100)
    assert randomisation.p_value(differences, seed=2) == randomisation.p_value(-differences, seed=2)


def test_nan_is_refused():
    with pytest.raises(InputError, match="NaN"):
        randomisation.p_value([0.1, np.nan])
