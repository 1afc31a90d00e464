"""A counted cost of one system."""

from __future__ import annotations

from dataclasses import replace

import pytest
from claims.build import roles, scored

from ir_bench.claims.quantities.counted_cost import counted_cost
from ir_bench.claims.quantities.per_query import Seeds
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured


def noting(error: float) -> Measured:
    return replace(scored("x", {"AP": [0]}), cost={"build": {"held_out_error": error, "build_s": 3.0}})


def test_the_mean_over_datasets_of_the_mean_over_seeds() -> None:
    cells = {"a": {"of": Seeds([noting(0.1), noting(0.3)])}, "b": roles(of=noting(0.4))}
    found = counted_cost(cells, "build.held_out_error")
    assert found.value == found.low == found.high == pytest.approx((0.2 + 0.4) / 2)
    assert found.per_dataset == {"a": "0.2", "b": "0.4"}
    assert (found.p, found.queries) == (None, 0)


def test_a_duration_and_what_was_not_counted_are_refused() -> None:
    with pytest.raises(InputError, match=r"build\.build_s is a duration"):
        counted_cost({"a": roles(of=noting(1))}, "build.build_s")
    with pytest.raises(InputError, match=r"has no cost build\.postings"):
        counted_cost({"a": roles(of=noting(1))}, "build.postings")
    with pytest.raises(InputError, match="has 2 results"):
        counted_cost({"a": roles(of=[noting(1), noting(2)])}, "build.held_out_error")
