"""Intervals of ranks over datasets."""

from __future__ import annotations

import numpy as np
import pytest

from ir_bench.errors import InputError
from ir_bench.evaluation.significance.ranks import rank_intervals

BASE = {f"set {i}": np.random.default_rng(i).random(100 + 50 * i) for i in range(4)}


def test_a_system_that_is_better_everywhere_is_first_in_every_resample():
    better = {
        name: values + 0.01 for name, values in BASE.items()
    }  # less than the noise between queries, which is shared
    found = rank_intervals({"base": BASE, "better": better})
    assert (found["better"].low, found["better"].high, found["better"].mean_rank) == (1, 1, 1)
    assert (found["base"].low, found["base"].high) == (2, 2)
    assert found["base"].score == pytest.approx(np.mean([v.mean() for v in BASE.values()]))


def test_identical_systems_share_their_rank():
    found = rank_intervals({"a": BASE, "b": BASE, "c": {n: v - 0.5 for n, v in BASE.items()}})
    assert [found[s].rank for s in "abc"] == [1.5, 1.5, 3]
    assert (found["a"].low, found["a"].high) == (1.5, 1.5)


def test_a_system_that_wins_on_one_dataset_only_is_uncertain():
    # +0.5 on one of four sets, -0.1 on three: better whenever the one is drawn (not drawn: 0.75^4 = 32 %)
    mixed = {n: v + (0.5 if i == 0 else -0.1) for i, (n, v) in enumerate(BASE.items())}
    found = rank_intervals({"base": BASE, "mixed": mixed})
    assert (found["mixed"].rank, found["mixed"].low, found["mixed"].high) == (1, 1, 2)
    assert found["mixed"].mean_rank == pytest.approx(1 + 0.75**4, abs=0.03)


def test_queries_are_drawn_within_a_dataset():
    # one dataset, two queries, one each way: both drawn queries are the first in 1/4 of the draws
    found = rank_intervals({"a": {"x": [1.0, 0.0]}, "b": {"x": [0.0, 0.6]}}, resamples=8000)
    # a first: (1,1) and (1,2), (2,1): 3/4
    assert found["a"].mean_rank == pytest.approx(0.75 * 1 + 0.25 * 2, abs=0.02)


def test_different_datasets_or_queries_are_refused():
    with pytest.raises(InputError, match="set 1"):
        rank_intervals({"a": BASE, "b": {"set 0": BASE["set 0"]}})
    with pytest.raises(InputError, match="different datasets"):
        rank_intervals({"a": {"set 0": BASE["set 0"]}, "b": BASE})
    with pytest.raises(InputError, match="numbers of queries"):
        rank_intervals({"a": {"x": [1.0]}, "b": {"x": [1.0, 0.0]}})
    with pytest.raises(InputError, match="no scores"):
        rank_intervals({})


def test_parts_of_a_dataset_weigh_the_same():
    parts = {"a": {"x": ([1.0] * 9, [0.0])}, "b": {"x": ([0.6] * 9, [0.6])}}
    found = rank_intervals(parts)
    assert (found["a"].score, found["b"].score) == (0.5, 0.6)
    assert (found["b"].low, found["b"].high) == (1, 1)
