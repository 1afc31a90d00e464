"""Normalisations: hand arithmetic, limits, and what leaves them unchanged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.normalisation import contributions, normalise, weights_of
from ir_bench.types import Run

SCORES = np.array([8.0, 4.0, 2.0, 2.0])  # sum 16, mean 4, population variance (16 + 0 + 4 + 4) / 4 = 6


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("none", [8, 4, 2, 2]),
        ("min_max", [1, 2 / 6, 0, 0]),
        ("z_score", [4 / 6**0.5, 0, -2 / 6**0.5, -2 / 6**0.5]),
        ("max", [1, 0.5, 0.25, 0.25]),
        ("sum", [6 / 8, 2 / 8, 0, 0]),
    ],
)
def test_by_hand(how, expected):
    assert normalise(SCORES, how) == pytest.approx(expected)


def test_min_max_from_the_lowest_possible_score():
    # a cosine of -1 is 0, of 0.5 is 1; (0 + 1) / (0.5 + 1)
    assert normalise(np.array([0.5, 0.0, -1.0]), "min_max", lowest=-1) == pytest.approx([1, 2 / 3, 0])
    assert normalise(np.array([0.0, 0.0]), "min_max", lowest=0) == pytest.approx([0, 0])
    with pytest.raises(InputError, match="a score is -2"):
        normalise(np.array([1.0, -2.0]), "min_max", lowest=-1)


@pytest.mark.parametrize(
    ("how", "expected"), [("min_max", 1), ("z_score", 0), ("sum", 0.25), ("max", 1), ("none", 0.1)]
)
def test_equal_scores_divide_by_nothing(how, expected):
    assert normalise(np.full(4, 0.1, np.float32), how) == pytest.approx([expected] * 4)


def test_a_rounded_mean_does_not_make_z_scores_of_equal_scores():
    assert np.full(3, 0.1).std() > 0  # 1.4e-17: dividing by it would give 1 to each
    assert normalise(np.full(3, 0.1), "z_score").tolist() == [0, 0, 0]


def test_an_empty_ranking_stays_empty():
    for how in ("none", "min_max", "z_score", "max", "sum"):
        assert len(normalise(np.zeros(0), how)) == 0


def test_unknown_names_are_errors():
    with pytest.raises(InputError, match="no normalisation 'minmax'"):
        normalise(SCORES, "minmax")
    with pytest.raises(InputError, match="no rule 'drop'"):
        contributions(Run.of({"q": {"a": 1.0}}), "q", "none", "drop")
    with pytest.raises(InputError, match="highest score of a ranking is -1"):
        normalise(np.array([-1.0, -2.0]), "max")


@settings(deadline=None)
@given(
    st.lists(st.integers(-1000, 1000), min_size=2, max_size=20),
    st.floats(0.01, 100),
    st.floats(-1000, 1000),
    st.sampled_from(["min_max", "z_score", "sum"]),
)
def test_affine_changes_of_the_scores_are_undone(scores, factor, shift, how):
    values = np.array(scores, np.float64)
    assert normalise(values * factor + shift, how) == pytest.approx(normalise(values, how), abs=1e-6)


@settings(deadline=None)
@given(
    st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=20),
    st.sampled_from(["min_max", "z_score", "sum"]),
)
def test_order_and_range_are_kept(scores, how):
    values = np.sort(np.array(scores, np.float32))[::-1]
    normalised = normalise(values, how)
    assert np.isfinite(normalised).all()
    assert (np.diff(normalised) <= 0).all()
    if how == "min_max":
        assert normalised[0] == 1
        assert normalised.min() >= 0


def test_an_absent_document():
    run = Run.of({"q": {"a": 4.0, "b": 2.0, "c": 1.0}, "empty": {}})
    assert contributions(run, "q", "none", "zero") == ({"a": 4, "b": 2, "c": 1}, 0)
    assert contributions(run, "q", "none", "minimum") == ({"a": 4, "b": 2, "c": 1}, 1)
    assert contributions(run, "q", "max", "minimum")[1] == 0.25
    for query in ("empty", "unknown"):
        assert contributions(run, query, "min_max", "minimum") == ({}, 0)


def test_weights():
    assert weights_of(["a", "b"], None, equal=0.5) == {"a": 0.5, "b": 0.5}
    assert weights_of(["a", "b"], {"b": 2, "a": 0}, equal=1) == {"a": 0, "b": 2}
    with pytest.raises(InputError, match=r"a weight for 'c'"):
        weights_of(["a", "b"], {"a": 1, "b": 1, "c": 1}, equal=1)
    with pytest.raises(InputError, match=r"'b' has no weight"):
        weights_of(["a", "b"], {"a": 1}, equal=1)
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(InputError, match=r"the weight of 'a'"):
            weights_of(["a"], {"a": wrong}, equal=1)
