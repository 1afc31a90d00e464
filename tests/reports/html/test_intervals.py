"""Intervals of many columns at once are those of each column alone."""

from __future__ import annotations

import numpy as np
import pytest

from ir_bench.evaluation.significance.bootstrap import interval
from ir_bench.reports.html.intervals import intervals


@pytest.mark.parametrize("queries", [1, 30, 700])
def test_the_same_as_one_by_one(queries):
    values = np.random.default_rng(3).random((queries, 4))
    values[:, 2] = 0.25
    each = [interval(values[:, i]) for i in range(4)]
    assert intervals(values) == pytest.approx(np.array(each), abs=1e-12)
