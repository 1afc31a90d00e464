"""Numbers and notes as they are worded."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from reports.comparison.made import FEW, random_results, result, two_datasets

from ir_bench.evaluation.averages import members
from ir_bench.reports.comparison import wording
from ir_bench.reports.comparison.compare import compare
from ir_bench.reports.comparison.model import Found, Gap


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1.0000"), (0.05, "0.0500"), (0.0001, "0.0001"), (0.00009, "<0.0001"), (0.0, "<0.0001")]
)
def test_p_values(value, text):
    assert wording.p(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.12345, "+0.1235"), (-0.5, "−0.5000"), (0.0, "0.0000"), (-0.0, "0.0000"), (math.inf, "∞"), (-math.inf, "−∞")],
)
def test_differences_have_a_sign(value, text):
    assert wording.signed(value) == text


def test_other_numbers():
    assert wording.signed(-1.234, 2) == "−1.23"
    assert (wording.number(0.5), wording.number(math.inf)) == ("0.5000", "∞")
    assert (wording.rank(1.0), wording.rank(2.5)) == ("1", "2.5")


def test_the_note_says_what_was_tested_and_how():
    note = wording.note(two_datasets())
    assert f"all sign patterns or {FEW:,} random ones" in note
    assert "p ≤ 0.05 after Holm's correction over 12 tests: every pair of systems, on each dataset and measure" in note
    assert "95% intervals: percentile bootstrap over queries, 10,000 resamples. Seed 0." in note
    assert note.endswith("Queries: beir/scifact 30, beir/nfcorpus 30.")


def test_one_test_against_a_baseline():
    comparison = compare(
        random_results(retrievers=("first", "second")), ["nDCG@10"], "first", level=0.9, permutations=9
    )
    assert "over 1 test: each system against first," in wording.note(comparison)
    assert "90% intervals" in wording.note(comparison)
    assert "margin ±0.01; each kind Holm-corrected over 1 test." in wording.pair_note(comparison)


def test_means_over_datasets_name_them():
    comparison = two_datasets()
    assert wording.overall_note(comparison).startswith("Unweighted mean over 2 sets: beir/scifact, beir/nfcorpus.")
    assert "2,000 resamples" in wording.rank_note(comparison)


def test_a_hole_that_all_systems_share_is_told_once():
    (line,) = wording.average_lines(two_datasets())
    assert line.startswith("BEIR-13: not complete: 11 of 13 sets are missing: beir/arguana, ")
    assert line.endswith("beir/webis-touche2020 (all systems).")
    assert wording.average_lines(two_datasets(), holes=False) == []


def test_averages_stand_on_a_line_each_and_holes_with_the_systems_that_have_them():
    names = members("beir13")
    results = [result(name, r, {"nDCG@10": [v], "AP": [v / 2]}) for name in names for r, v in (("x", 0.5), ("y", 0.25))]
    results = [r for r in results if (r.dataset, r.retriever) != ("beir/nq", "y")]
    assert wording.average_lines(compare(results, ["nDCG@10", "AP"])) == [
        "BEIR-13 nDCG@10: x 0.5000.",
        "BEIR-13 AP: x 0.2500.",
        "BEIR-14: not complete: 1 of 14 sets are missing: beir/cqadupstack (x).",
        "BEIR-13: not complete: 1 of 13 sets are missing: beir/nq (y).",
    ]


def test_judgments_are_marked_and_explained_only_where_there_are_some():
    relevant, judged, unknown = Found("a", grade=2, relevant=True), Found("b", grade=0), Found("c")
    assert [wording.mark(found) for found in (relevant, judged, unknown)] == ["●2", "○0", ""]
    gap = Gap("d", "q", "AP", {"x": 1.0, "y": 0.0}, {"x": [unknown]})
    assert wording.gaps_title([gap]) == "The query that differs most, by AP"
    told = replace(gap, found={"x": [judged]})
    expected = "The 2 queries that differ most, by AP (● relevant, ○ judged not relevant, with the grade)"
    assert wording.gaps_title([gap, told]) == expected


def test_a_level_is_not_rounded_to_all():
    comparison = compare(random_results(), ["nDCG@10"], level=0.995, permutations=FEW)
    assert "99.5% intervals" in wording.note(comparison)
