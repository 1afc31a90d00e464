"""Two one-sided tests, against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest

from ir_bench.errors import InputError
from ir_bench.evaluation.significance import equivalence


@pytest.mark.parametrize(("queries", "shift", "margin"), [(20, 0.0, 0.05), (300, 0.004, 0.01), (300, -0.03, 0.01)])
def test_it_is_that_of_statsmodels(queries, shift, margin):
    weightstats = pytest.importorskip("statsmodels.stats.weightstats")
    random = np.random.default_rng(queries)
    x = random.random(queries)
    y = x - shift + random.normal(0, 0.05, queries)
    theirs = weightstats.ttost_paired(x, y, -margin, margin)[0]
    assert equivalence.p_value(x - y, margin) == pytest.approx(theirs)


def test_a_difference_at_the_margin_is_a_coin_toss():
    assert equivalence.p_value([0.0, 0.02], 0.01) == pytest.approx(0.5)


def test_without_spread_the_margin_decides():
    assert equivalence.p_value([0.005] * 3, 0.01) == 0
    assert equivalence.p_value([0.01] * 3, 0.01) == 1
    assert equivalence.p_value([0.0], 0.01) == 1  # one query says nothing


@pytest.mark.parametrize("margin", [0, -0.01, float("nan"), float("inf")])
def test_a_margin_that_is_not_above_zero_is_refused(margin):
    with pytest.raises(InputError, match="margin"):
        equivalence.p_value([0.1, 0.2], margin)
