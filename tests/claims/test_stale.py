"""What changed since a result was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from ir_bench.claims.stale import differences, require_current
from ir_bench.evaluation.measured import Measured, StaleResult

SYSTEM = {"k": 1000, "split": "test", "retriever": {"class": "BM25", "k1": 0.9, "stages": [{"b": 0.4}]}, "corpus": "c0"}


def measured() -> Measured:
    return Measured("cacm", "bm25", {}, command="dataset=cacm retriever=bm25", folder=Path("runs/x"), system=SYSTEM)


def test_what_is_the_same_or_not_asked_about_is_current() -> None:
    require_current(measured(), {})
    require_current(measured(), {"k": 1000, "retriever": {"class": "BM25", "k1": 0.9, "stages": [{"b": 0.4}]}})


def test_every_change_is_named_with_both_values_and_the_command_that_measures_again() -> None:
    now = {"k": 100, "split": "dev", "retriever": {"class": "BM25", "k1": 1.2, "stages": [{"b": 0.75}]}}
    with pytest.raises(StaleResult) as raised:
        require_current(measured(), now)
    assert raised.value.happened == (
        "runs/x was measured with other settings or data: k: 1000 when measured, 100 now; "
        "split: 'test' when measured, 'dev' now; retriever.k1: 0.9 when measured, 1.2 now; "
        "retriever.stages[0].b: 0.4 when measured, 0.75 now"
    )
    assert raised.value.fix == "delete the folder and measure again: ir-bench run dataset=cacm retriever=bm25"


def test_a_long_list_of_changes_is_cut() -> None:
    with pytest.raises(StaleResult) as raised:
        require_current(measured(), {f"new{i}": i for i in range(9)})
    assert raised.value.happened.count("when measured") == 6


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {}, [("a", 1, None)]),
        ({}, {"a": {"b": 2}}, [("a", None, {"b": 2})]),
        ({"a": [1, 2]}, {"a": [1, 3]}, [("a[1]", 2, 3)]),
        ({"a": [1, 2]}, {"a": [1]}, [("a", [1, 2], [1])]),
        ({"a": {"b": 1}}, {"a": 1}, [("a", {"b": 1}, 1)]),
        ({"a": 1}, {"a": "1"}, [("a", 1, "1")]),
    ],
)
def test_leaves_that_differ(before: object, now: object, expected: list) -> None:
    assert list(differences(before, now)) == expected
