"""Differences between conventions, each explained by the rule that causes it."""

from __future__ import annotations

import math

import pytest
from evaluation.conventions.runs import cases
from hypothesis import given, settings

from ir_bench.errors import InputError
from ir_bench.evaluation.conventions.explain import SAME, explain
from ir_bench.evaluation.conventions.known import conventions
from ir_bench.evaluation.conventions.ours import ours
from ir_bench.evaluation.conventions.rules import DEFAULT, Convention, ScoringRules, parse_measure
from ir_bench.evaluation.conventions.score import Scorer
from ir_bench.types import Rules

BASE = Convention("base", ScoringRules())


def only(scored, qrels, measure, **rules):
    """The one difference, and its one cause, between the base and the base with these rules."""
    other = Convention("other", ScoringRules(**rules))
    (difference,) = explain(Scorer(scored, qrels), BASE, other, [parse_measure(measure)])
    (cause,) = difference.causes
    assert difference.value - difference.base == pytest.approx(cause.change)
    return difference, cause


def test_self_hits_are_counted():
    scored = {"q1": {"q1": 2.0, "d": 1.0}, "q2": {"x": 2.0, "d": 1.0}}
    difference, cause = only(scored, {"q1": {"d": 1}, "q2": {"d": 1}}, "RR@10", drop_self=True)
    assert (difference.base, difference.value) == (0.5, 0.75)
    assert difference.lines() == ["other RR@10 +0.2500: 1 document with the query's own id dropped"]
    assert cause.rule == "self"


def test_the_order_of_ties_is_named_with_the_queries_it_matters_to():
    scored = {"q1": {"a": 1.0, "b": 1.0}, "q2": {"a": 2.0, "b": 1.0}, "q3": {"x": 1.0, "y": 1.0, "a": 0.5}}
    qrels = {query: {"a": 1} for query in scored}
    difference, cause = only(scored, qrels, "P@1", precision="float64", order="ascending")
    assert (difference.base, difference.value) == pytest.approx((1 / 3, 2 / 3))
    assert cause.reason == (
        "ties are ordered by ascending document id, scores compared in float64: 1 query with 1 tied group affected"
    )


def test_the_order_of_the_file_breaks_ties():
    difference, _ = only({"q": {"m": 1.0, "z": 1.0}}, {"q": {"m": 1}}, "RR@10", precision="float64", order="file")
    assert (difference.base, difference.value) == (0.5, 1.0)


def test_queries_without_results_leave_the_mean():
    difference, cause = only({"q1": {"d": 1.0}}, {"q1": {"d": 1}, "q2": {"d": 1}}, "AP", queries="answered")
    assert (difference.base, difference.value) == (0.5, 1.0)
    assert cause.reason == "1 query without results left out of the mean"


def test_queries_without_a_relevant_document_leave_the_mean():
    difference, cause = only({"q1": {"d": 1.0}}, {"q1": {"d": 1}, "q2": {"d": 0}}, "AP", queries="relevant")
    assert (difference.base, difference.value) == (0.5, 1.0)
    assert cause.reason == "1 query without a document of grade 1 or more left out of the mean"


def test_the_threshold_of_relevance():
    difference, cause = only({"q": {"d": 1.0, "e": 0.5}}, {"q": {"d": 1, "e": 2}}, "RR@10", threshold=2)
    assert (difference.base, difference.value) == (1.0, 0.5)
    assert cause.reason == "grades from 2 up are relevant, not from 1: 1 judgment between them"


def test_binary_gain():
    difference, cause = only({"q": {"d": 1.0, "e": 0.5}}, {"q": {"d": 1, "e": 3}}, "nDCG@10", graded=False)
    assert difference.base == pytest.approx((1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3)))
    assert difference.value == 1.0
    assert cause.reason == "the gain is 1 for every relevant document: 1 judgment above grade 1"


def test_average_precision_that_stops_and_is_divided_by_the_cut_off():
    scored = {"q": {"d": 3.0, "x": 2.0, "e": 1.0}}
    qrels = {"q": {"d": 1, "e": 1, "f": 1}}
    base = (1 + 2 / 3) / 3
    difference, cause = only(scored, qrels, "AP", depth=2)
    assert (difference.base, difference.value) == pytest.approx((base, 1 / 3))
    assert cause.reason == "AP stops at rank 2: 1 relevant document below it"
    other = Convention("other", ScoringRules(depth=2, capped=True))
    (both,) = explain(Scorer(scored, qrels), BASE, other, [parse_measure("AP")])
    assert [c.change for c in both.causes] == pytest.approx([1 / 3 - base, 1 / 2 - 1 / 3])
    assert both.lines()[1].endswith(
        "divided by the number of relevant documents, but at most 2: 1 query with more than 2"
    )


def test_capped_recall_divides_by_the_cut_off():
    scored, qrels = {"q": {"a": 1.0}}, {"q": {"a": 1, "b": 1, "c": 1}}
    values = Scorer(scored, qrels).score(BASE, [parse_measure("R@2"), parse_measure("R_cap@2")])
    assert list(values.values()) == pytest.approx([1 / 3, 1 / 2])


def test_means_are_rounded_where_the_original_rounds():
    scored, qrels = {"q": {"a": 1.0}}, {"q": {"a": 1, "b": 1, "c": 1}}
    rounded = Convention("other", ScoringRules(digits=5))
    assert Scorer(scored, qrels).score(rounded, [parse_measure("R@2")]) == {parse_measure("R@2"): 0.33333}
    assert explain(Scorer(scored, qrels), BASE, rounded, [parse_measure("R@2")]) == []


@given(cases())
@settings(max_examples=60, deadline=None)
def test_the_causes_add_up_to_the_difference(case):
    scorer = Scorer(*case)
    rules = Rules(exclude_self=True, relevance_threshold=2)
    measures = [parse_measure(name) for name in DEFAULT]
    for other in conventions(rules, "beir/arguana"):
        for difference in explain(scorer, ours(rules, "beir/arguana"), other, measures):
            total = sum(cause.change for cause in difference.causes)
            assert total == pytest.approx(difference.value - difference.base, abs=10 * SAME)


@pytest.mark.parametrize("name", ["nDCG", "P@0", "nDGC@10", "AP(rel=2)", "R@-1", ""])
def test_a_measure_that_the_toolkits_do_not_share_is_refused(name):
    with pytest.raises(InputError, match="no counterpart"):
        parse_measure(name)


def test_scores_that_are_no_numbers_are_refused():
    for score in (math.nan, math.inf, 1e39):
        with pytest.raises(InputError, match="finite"):
            Scorer({"q": {"d": score}}, {"q": {"d": 1}}).score(BASE, [parse_measure("AP")])


def test_a_run_for_other_queries_is_refused():
    with pytest.raises(InputError, match="answers none"):
        Scorer({"other": {"d": 1.0}}, {"q": {"d": 1}})
