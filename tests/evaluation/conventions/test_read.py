"""Runs as other evaluators read them."""

from __future__ import annotations

import pytest

from ir_bench.errors import InputError
from ir_bench.evaluation.conventions.read import read_scored


def test_scores_stay_in_double_precision_and_in_the_order_of_the_file(tmp_path):
    path = tmp_path / "run.txt"
    path.write_text("# made by hand\nq Q0 b 1 0.1000000000001 tag\nq Q0 z 2 0.1 tag\n\nq Q0 a 3 0.1 tag\n")
    assert [*read_scored(path)["q"].items()] == [("b", 0.1000000000001), ("z", 0.1), ("a", 0.1)]


def test_three_columns_are_ranks(tmp_path):
    path = tmp_path / "run.txt"
    path.write_text("q b 2\nq a 1\n")
    assert read_scored(path) == {"q": {"b": -2.0, "a": -1.0}}


def test_a_bad_line_is_refused(tmp_path):
    path = tmp_path / "run.txt"
    path.write_text("q Q0 b 1 nan tag\n")
    with pytest.raises(InputError, match=":1:"):
        read_scored(path)
