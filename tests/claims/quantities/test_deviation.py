"""The standard deviation of a measure over systems that are to be alike."""

from __future__ import annotations

import numpy as np
import pytest
from claims.build import roles, scored

from ir_bench.claims.finding import FAILS, HOLDS, Finding, decide
from ir_bench.claims.quantities.deviation import deviation
from ir_bench.errors import InputError


def over(*seeds: list[float] | np.ndarray) -> Finding:
    return deviation({"a": roles(of=[scored(f"x{i}", {"AP": v}) for i, v in enumerate(seeds)])}, "AP", 0.95, 0)


def test_it_is_that_of_a_sample_of_means():
    found = over([0.1, 0.3], [0.3, 0.5], [0.5, 0.7])  # means 0.2, 0.4, 0.6: squared distances 0.04, 0, 0.04 over 2
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.2, 0.2))  # the same shift for every query
    assert (found.per_dataset, found.queries) == ({"a": "0.2000 (0.2000, 0.4000, 0.6000)"}, 2)
    assert (decide(found, "at most", 0.3), decide(found, "at most", 0.1)) == (HOLDS, FAILS)
    assert over([0.5, 0.2], [0.5, 0.2]).value == 0


def test_datasets_are_averaged_before():
    cells = {
        "a": roles(of=[scored("x", {"AP": [0.0]}), scored("y", {"AP": [0.4]})]),
        "b": roles(of=[scored("x", {"AP": [0.4, 0.4]}), scored("y", {"AP": [0.0, 0.0]})]),
    }
    assert deviation(cells, "AP", 0.95, 0).value == pytest.approx(0)


def test_that_of_others_is_taken_off():
    of = [scored(f"x{i}", {"AP": [v, v + 0.2]}) for i, v in enumerate([0.1, 0.5, 0.3])]
    over = [scored(f"y{i}", {"AP": [v, v]}) for i, v in enumerate([0.2, 0.3, 0.4])]
    cells = {"a": roles(of=of, over=over)}
    found = deviation(cells, "AP", 0.95, 0)
    assert found.value == pytest.approx(0.2 - 0.1)
    assert found.per_dataset == {"a": "0.2000 (0.2000, 0.6000, 0.4000) − 0.1000 (0.2000, 0.3000, 0.4000)"}
    with pytest.raises(InputError, match="1 cells to compare"):
        deviation({"a": roles(of=of, over=over[:1])}, "AP", 0.95, 0)


def test_few_queries_widen_the_interval():
    random = np.random.default_rng(0)
    few, many = (over(*(random.random(n) for _ in range(3))) for n in (20, 2000))
    assert few.high - few.low > many.high - many.low > 0


def test_one_cell_is_told():
    with pytest.raises(InputError, match="1 cells to compare"):
        over([0.5])
