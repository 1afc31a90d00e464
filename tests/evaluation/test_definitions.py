"""Measures by their definitions, by hand; that ir_measures agrees is tested by the audit of random evaluations."""

from __future__ import annotations

import math

import pytest

from ir_bench.evaluation.definitions import defined

RANKED = [0, 2, 0, 1, 0, 0]  # grade 2 at rank 2, grade 1 at rank 4
JUDGED = [1, 0, 2, 1, -1]  # three relevant, one of them not found
ALL = math.inf


@pytest.mark.parametrize(
    ("kind", "cutoff", "threshold", "expected"),
    [
        ("P", 4, 1, 2 / 4),
        ("P", 10, 1, 2 / 10),  # short rankings are divided by the cut-off too
        ("R", 2, 1, 1 / 3),
        ("R", 100, 1, 2 / 3),
        ("R", 100, 2, 1),
        ("R", 100, 3, 0),
        ("Success", 1, 1, 0),
        ("Success", 2, 1, 1),
        ("RR", 1, 1, 0),
        ("RR", ALL, 1, 1 / 2),
        ("AP", ALL, 1, (1 / 2 + 2 / 4) / 3),
        ("AP", 3, 1, (1 / 2) / 3),
        ("nDCG", 1, 1, 0),
        ("nDCG", 3, 1, (2 / math.log2(3)) / (2 + 1 / math.log2(3) + 1 / 2)),
        ("nDCG", ALL, 1, (2 / math.log2(3) + 1 / math.log2(5)) / (2 + 1 / math.log2(3) + 1 / 2)),
        ("Bpref", ALL, 1, None),
    ],
)
def test_one_query_by_hand(kind: str, cutoff: float, threshold: int, expected: float | None) -> None:
    assert defined(kind, cutoff, threshold, RANKED, JUDGED) == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["P", "R", "Success", "RR", "AP", "nDCG"])
def test_nothing_relevant_and_nothing_found_is_zero(kind: str) -> None:
    assert defined(kind, 10, 1, [0, 0], [0, -1]) == 0
    assert defined(kind, 10, 1, [], [1]) == 0
