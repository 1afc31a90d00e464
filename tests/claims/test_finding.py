"""The verdict on a claim from an interval."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench.claims.finding import DIRECTIONS, FAILS, HOLDS, NOT_MEASURED, RULE, UNDECIDED, Finding, decide, together

number = st.floats(-10, 10)
direction = st.sampled_from(DIRECTIONS)


def between(low: float, high: float) -> Finding:
    return Finding((low + high) / 2, low, high)


@pytest.mark.parametrize(
    ("low", "high", "direction", "size", "expected"),
    [
        (0.02, 0.04, "at least", 0.01, HOLDS),
        (0.01, 0.04, "at least", 0.01, HOLDS),  # the end itself is on the claimed side
        (0.00, 0.04, "at least", 0.01, UNDECIDED),
        (-0.02, 0.01, "at least", 0.01, UNDECIDED),
        (-0.02, 0.00, "at least", 0.01, FAILS),
        (0.10, 0.25, "at most", 0.25, HOLDS),
        (0.10, 0.30, "at most", 0.25, UNDECIDED),
        (0.25, 0.30, "at most", 0.25, UNDECIDED),
        (0.26, 0.30, "at most", 0.25, FAILS),
        (-0.01, 0.01, "within", 0.01, HOLDS),
        (-0.02, 0.01, "within", 0.01, UNDECIDED),
        (0.00, 0.02, "within", 0.01, UNDECIDED),
        (-0.05, 0.05, "within", 0.01, UNDECIDED),
        (0.02, 0.03, "within", 0.01, FAILS),
        (-0.03, -0.02, "within", 0.01, FAILS),
        (0.5, 0.5, "at most", 0.5, HOLDS),  # exact: a point
    ],
)
def test_an_interval_against_a_size(low: float, high: float, direction: str, size: float, expected: str) -> None:
    assert decide(between(low, high), direction, size) == expected


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_an_interval_without_ends_decides_nothing(direction: str) -> None:
    assert decide(Finding(0.5, math.nan, math.nan), direction, 0.1) == UNDECIDED
    assert decide(Finding(0.5, -math.inf, math.inf), direction, 0.1) == UNDECIDED


@given(number, st.floats(0, 5), st.floats(0, 5), st.floats(0, 5), direction, number)
def test_a_wider_interval_never_turns_undecided_into_a_decision(
    low: float, width: float, below: float, above: float, direction: str, size: float
) -> None:
    narrow = decide(between(low, low + width), direction, size)
    wide = decide(between(low - below, low + width + above), direction, size)
    assert wide in (narrow, UNDECIDED)


@given(number, st.floats(0, 5), number)
def test_at_most_is_at_least_of_the_negated_quantity(low: float, width: float, size: float) -> None:
    high = low + width
    assert decide(between(low, high), "at most", size) == decide(between(-high, -low), "at least", -size)


@given(number, st.floats(0, 5), st.floats(0, 10))
def test_within_is_at_least_and_at_most_together(low: float, width: float, size: float) -> None:
    found = between(low, low + width)
    both = [decide(found, "at least", -size), decide(found, "at most", size)]
    assert decide(found, "within", size) == together(both)


@given(number, st.floats(0, 5), number)
def test_a_claim_and_its_contrary_never_both_hold(low: float, width: float, size: float) -> None:
    found = between(low, low + width)
    verdicts = {decide(found, "at least", size), decide(found, "at most", size)}
    assert verdicts != {HOLDS} or found.low == found.high == size
    assert verdicts != {FAILS}


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([HOLDS], HOLDS),
        ([HOLDS, HOLDS], HOLDS),
        ([HOLDS, UNDECIDED], UNDECIDED),
        ([UNDECIDED, FAILS, HOLDS], FAILS),
        ([NOT_MEASURED, UNDECIDED], NOT_MEASURED),
        ([NOT_MEASURED, HOLDS], NOT_MEASURED),
        ([NOT_MEASURED, FAILS], FAILS),  # what was not measured could not save the claim
    ],
)
def test_a_claim_needs_all_its_checks(verdicts: list[str], expected: str) -> None:
    assert together(verdicts) == together(verdicts[::-1]) == expected


def test_the_rule_names_every_verdict_of_a_measured_check() -> None:
    assert all(f"**{name}**" in RULE for name in (HOLDS, FAILS, UNDECIDED))
