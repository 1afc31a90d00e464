"""Queries won, tied and lost."""

from __future__ import annotations

from typing import NamedTuple

from numpy.typing import ArrayLike

from ir_bench.evaluation.significance.values import checked

TIE = 1e-12  # values that differ by no more are equal but for rounding


class Wins(NamedTuple):
    wins: int
    ties: int
    losses: int


def wins(differences: ArrayLike) -> Wins:
    """How many of `differences` [queries] are above zero, zero (up to 1e-12) and below. Raises InputError for no
    differences and values that are not finite."""
    values = checked(differences, "differences")
    won, lost = int((values > TIE).sum()), int((values < -TIE).sum())
    return Wins(won, len(values) - won - lost, lost)
