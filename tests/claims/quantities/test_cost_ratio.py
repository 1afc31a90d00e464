"""Counted costs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from claims.build import roles, scored

from ir_bench.claims.quantities.cost_ratio import cost_ratio
from ir_bench.claims.quantities.per_query import Seeds
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured


def costing(index_bytes: float, **system: Any) -> Measured:
    cost = {"build": {"index_bytes": index_bytes, "build_s": 2.0}, "peak_memory_bytes": 7}
    return replace(scored("x", {"AP": [0]}, **system), cost=cost)


def test_costs_are_summed_over_datasets_and_exact() -> None:
    cells = {"a": roles(of=costing(100), over=costing(1000)), "b": roles(of=costing(200), over=costing(5000))}
    found = cost_ratio(cells, "build.index_bytes")
    assert found.value == found.low == found.high == 300 / 6000
    assert found.per_dataset == {"a": "100 / 1,000", "b": "200 / 5,000"}
    assert (found.p, found.queries) == (None, 0)


def test_of_several_seeds_it_is_the_mean() -> None:
    trained = {"of": Seeds([costing(100), costing(200), costing(300)]), "over": [costing(1000)]}
    found = cost_ratio({"a": trained}, "build.index_bytes")
    assert found.value == 0.2
    assert found.per_dataset == {"a": "200 / 1,000"}
    with pytest.raises(InputError, match="has 2 results"):
        cost_ratio({"a": {"of": [costing(1), costing(2)], "over": [costing(3)]}}, "build.index_bytes")


def test_small_amounts_keep_their_digits() -> None:
    found = cost_ratio({"a": roles(of=costing(0.0123), over=costing(0.41))}, "build.index_bytes")
    assert found.per_dataset == {"a": "0.0123 / 0.41"}


@pytest.mark.parametrize("cost", ["build.build_s", "latency.total_ms", "search.queries_per_s"])
def test_a_duration_is_refused(cost: str) -> None:
    with pytest.raises(InputError, match=f"{cost} is a duration"):
        cost_ratio({"a": roles(of=costing(1), over=costing(1))}, cost)


@pytest.mark.parametrize("cost", ["search.documents_compared", "build.nothing", "build", "peak_memory_bytes", "x.y.z"])
def test_a_cost_that_was_not_counted_is_refused(cost: str) -> None:
    with pytest.raises(InputError) as raised:
        cost_ratio({"a": roles(of=costing(1), over=costing(1))}, cost)
    assert raised.value.happened == f"`dataset=tiny retriever=x` has no cost {cost}"
    assert raised.value.expected == "one of: build.index_bytes, build.build_s"


def test_a_cost_of_nothing_has_no_ratio() -> None:
    with pytest.raises(InputError, match=r"build\.index_bytes of `over` is zero"):
        cost_ratio({"a": roles(of=costing(1), over=costing(0))}, "build.index_bytes")


def test_costs_of_different_corpora_are_not_compared() -> None:
    with pytest.raises(InputError, match="different corpus"):
        cost_ratio({"a": roles(of=costing(1), over=costing(2, corpus="c1"))}, "build.index_bytes")
