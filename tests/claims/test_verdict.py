"""When a value reproduces a published one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench.claims.verdict import DIFFERS, HOLDS, RULE, VERDICTS, WITHIN_NOISE, Outcome, verdict

fraction = st.floats(0, 1)
decimals = st.integers(1, 6)
tolerance = st.floats(0, 0.01)


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        (0.6789, HOLDS),
        (0.67895, HOLDS),  # half a unit of the fourth digit: it would be printed as 0.6789 or 0.6790
        (0.67905, HOLDS),  # 0.00005 + 0.0001: half a unit and the tolerance
        (0.67875, HOLDS),
        (0.67906, WITHIN_NOISE),
        (0.67874, WITHIN_NOISE),
        (0.7, WITHIN_NOISE),
        (0.75, DIFFERS),
        (0.6, DIFFERS),
    ],
)
def test_a_value_against_0_6789_with_tolerance_0_0001(ours: float, expected: str) -> None:
    assert verdict(0.6789, ours, ours - 0.03, ours + 0.03, 4, 0.0001) == expected


def test_fewer_digits_printed_allow_more() -> None:
    assert verdict(0.315, 0.3154, 0.3154, 0.3154, 3, 0) == HOLDS
    assert verdict(0.3150, 0.3154, 0.3154, 0.3154, 4, 0) == DIFFERS


def test_the_ends_of_the_interval_are_inside_it() -> None:
    assert verdict(0.5, 0.55, 0.5, 0.6, 4, 0) == WITHIN_NOISE
    assert verdict(0.6, 0.55, 0.5, 0.6, 4, 0) == WITHIN_NOISE
    assert verdict(0.61, 0.55, 0.5, 0.6, 4, 0) == DIFFERS


@given(fraction, fraction, fraction, decimals, tolerance)
def test_the_published_value_itself_always_holds(
    value: float, low: float, high: float, decimals: int, tolerance: float
) -> None:
    assert verdict(value, value, low, high, decimals, tolerance) == HOLDS


@given(fraction, fraction, fraction, fraction, st.floats(0, 0.5), decimals, tolerance)
def test_a_wider_interval_never_makes_a_value_differ(
    published: float, ours: float, low: float, high: float, more: float, decimals: int, tolerance: float
) -> None:
    order = [DIFFERS, WITHIN_NOISE, HOLDS]
    narrow = verdict(published, ours, low, high, decimals, tolerance)
    wide = verdict(published, ours, low - more, high + more, decimals, tolerance)
    assert order.index(wide) >= order.index(narrow)
    assert (wide == HOLDS) == (narrow == HOLDS)  # the interval has no part in it


@given(fraction, fraction, decimals, tolerance)
def test_without_noise_the_verdict_is_the_same_both_ways(
    one: float, other: float, decimals: int, tolerance: float
) -> None:
    assert verdict(one, other, other, other, decimals, tolerance) == verdict(other, one, one, one, decimals, tolerance)


def test_the_difference_is_ours_less_the_published_one() -> None:
    assert Outcome("r", "c", "AP", 0.5, 4, HOLDS, ours=0.75).difference == 0.25
    assert Outcome("r", "c", "AP", 0.5, 4, "not measured").difference is None


def test_the_rule_names_every_verdict() -> None:
    assert all(f"**{name}**" in RULE for name in VERDICTS)
