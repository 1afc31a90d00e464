"""Wins, ties and losses."""

from __future__ import annotations

from ir_bench.evaluation.significance.wins import wins


def test_rounding_is_a_tie():
    assert wins([0.1 + 0.2 - 0.3, 0.0, 0.5, -0.1, 2e-12]) == (2, 2, 1)
