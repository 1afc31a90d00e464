"""Averages whose name says what they are over."""

from __future__ import annotations

from pathlib import Path

import pytest

from ir_bench.errors import InputError
from ir_bench.evaluation.averages import AVERAGES, GROUPS, average, mean_over, members, merged

CONF = Path(__file__).parents[2] / "conf" / "dataset"
DEV = {"beir/msmarco": "dev"}


def ones(name: str) -> dict[str, float]:
    return dict.fromkeys(members(name), 1.0)


@pytest.mark.parametrize(("name", "sets"), [("BEIR-13", 13), ("BEIR-14", 14), ("BEIR-15", 15), ("BEIR-18", 18)])
def test_every_average_has_the_number_of_sets_in_its_name(name, sets):
    assert len(set(members(name))) == sets


def test_every_member_is_a_dataset():
    named = {member for datasets in AVERAGES.values() for member in datasets} | set(GROUPS["beir/cqadupstack"])
    assert [name for name in named if not (CONF / f"{name}.yaml").is_file()] == []


def test_the_average_is_the_arithmetic_mean_and_other_datasets_do_not_count():
    scores = {**ones("BEIR-13"), "beir/fever": 0.0, "cacm": 0.5}
    assert average("BEIR-13", scores) == pytest.approx(12 / 13)


def test_names_may_be_written_without_a_hyphen():
    assert members("beir13") == members("BEIR-13")
    with pytest.raises(InputError, match="no average named 'BEIR-16'"):
        members("BEIR-16")


def test_a_hole_in_an_average_is_refused():
    scores = ones("BEIR-14")
    del scores["beir/fever"], scores["beir/cqadupstack"]
    with pytest.raises(InputError, match="2 of 14 sets are missing: beir/fever, beir/cqadupstack"):
        average("BEIR-14", scores)


def test_nan_is_a_hole():
    with pytest.raises(InputError, match="no score of beir/nq"):
        average("BEIR-13", {**ones("BEIR-13"), "beir/nq": float("nan")})


def test_twelve_forums_weigh_as_one_set():
    scores = ones("BEIR-13") | {f"beir/cqadupstack/{name.rsplit('/')[-1]}": 0.5 for name in GROUPS["beir/cqadupstack"]}
    assert average("BEIR-14", scores) == pytest.approx((13 + 0.5) / 14)
    del scores["beir/cqadupstack/tex"]
    with pytest.raises(InputError, match="missing: beir/cqadupstack"):
        average("BEIR-14", scores)
    assert "beir/cqadupstack/unix" in merged(scores)  # without one of them they stay what they are


def test_ms_marco_must_be_dev():
    assert average("BEIR-15", ones("BEIR-15"), DEV) == 1
    with pytest.raises(InputError, match="split 'test'"):
        average("BEIR-15", ones("BEIR-15"), {"beir/msmarco": "test"})
    with pytest.raises(InputError, match="not given"):
        average("BEIR-15", ones("BEIR-15"))


def test_a_mean_says_what_it_is_over():
    mean = mean_over(["cacm", "med"], {"cacm": 0.2, "med": 0.4, "time": 0.9})
    assert str(mean) == "0.3000 (mean over 2 sets: cacm, med)"
    for datasets in ([], ["cacm", "cacm"], ["cacm", "lisa"]):
        with pytest.raises(InputError):
            mean_over(datasets, {"cacm": 0.2})
