"""Holm's correction, against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.evaluation.significance.holm import adjusted


def test_by_hand():
    # sorted: .01 × 3, then max(.03, .02 × 2), then max(.04, .5 × 1)
    np.testing.assert_allclose(adjusted([0.5, 0.01, 0.02]), [0.5, 0.03, 0.04])


def test_a_later_p_is_never_below_an_earlier_one():
    np.testing.assert_allclose(adjusted([0.03, 0.04]), [0.06, 0.06])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_it_is_that_of_statsmodels(p):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    np.testing.assert_allclose(adjusted(p), multitest.multipletests(p, method="holm")[1], rtol=1e-12, atol=1e-300)


def test_no_tests_need_no_correction():
    assert len(adjusted([])) == 0


@pytest.mark.parametrize("p", [[0.1, float("nan")], [1.1], [-0.1]])
def test_what_is_no_p_value_is_refused(p):
    with pytest.raises(InputError, match="no p values"):
        adjusted(p)
