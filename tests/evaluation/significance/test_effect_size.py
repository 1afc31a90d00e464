"""Cohen's d."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ir_bench.evaluation.significance.effect_size import cohens_d


def test_by_hand():
    assert cohens_d([1.0, 2.0, 3.0]) == 2.0  # mean 2, deviation with n - 1: 1


def test_it_is_t_over_the_root_of_n():
    scipy = pytest.importorskip("scipy.stats")
    differences = np.random.default_rng(0).normal(0.1, 1, 40)
    assert cohens_d(differences) == pytest.approx(scipy.ttest_1samp(differences, 0).statistic / math.sqrt(40))


def test_without_spread():
    assert cohens_d(np.zeros(4)) == 0
    assert cohens_d([0.3, 0.1 + 0.2]) == math.inf
    assert cohens_d([-0.2, -0.2]) == -math.inf
    assert cohens_d([0.3]) == 0
