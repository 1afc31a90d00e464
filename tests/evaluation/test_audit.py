"""The audit: silent on sound evaluations, and each kind of broken one is caught by its own message."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.evaluation.audit import AuditFailure, audit
from ir_bench.evaluation.measures import evaluate
from ir_bench.types import Ranking, Rules, Run

NAMES = ["nDCG@10", "R@100", "R@1000", "RR@10", "AP", "P@10", "Success@5", "Judged@10"]


@pytest.fixture(scope="module")
def run():
    rand = np.random.default_rng(5)
    # coarse scores, so that there are ties
    scored = {f"q{i}": {f"d{j}": float(round(s, 1)) for j, s in enumerate(rand.random(40))} for i in range(20)}
    return Run.of(scored)


@pytest.fixture(scope="module")
def qrels():
    rand = np.random.default_rng(6)
    graded = {f"q{i}": {f"d{j}": int(g) for j, g in enumerate(rand.integers(0, 4, 12))} for i in range(18)}
    return graded | {"single": {"d1": 1}, "q18": {"d7": 2}, "q19": {"d3": 1, "d4": 0}}


@pytest.mark.parametrize("rules", [Rules(), Rules(relevance_threshold=2), Rules(relevance_threshold=3)])
@pytest.mark.parametrize("names", [NAMES, ["AP"], ["R@5", "R@7", "RR@3", "AP@10", "AP(rel=1)", "nDCG", "Bpref"], []])
def test_sound_evaluations_pass(run, qrels, rules, names):
    audit(run, qrels, evaluate(run, qrels, names, rules), rules)


few = st.sampled_from([f"d{i}" for i in range(8)])
scored = st.dictionaries(few, st.floats(-5, 5, width=16), max_size=8)
judgments = st.dictionaries(few, st.integers(-2, 3), min_size=1, max_size=8)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("xyz"), scored, min_size=1),
    st.dictionaries(st.sampled_from("xyz"), judgments, min_size=1),
    st.integers(1, 3),
)
def test_every_evaluation_of_ours_passes(scored, qrels, threshold):
    if scored.keys() & qrels.keys():
        run, rules = Run.of(scored), Rules(relevance_threshold=threshold)
        audit(run, qrels, evaluate(run, qrels, NAMES, rules), rules)


def broken(harm, names=NAMES):
    """An evaluator that is sound but for what `harm` does to its scores."""

    def evaluator(run, qrels, measures, rules):
        return harm(evaluate(run, qrels, measures, rules))

    def check(run, qrels, rules=None):
        rules = rules or Rules()
        audit(run, qrels, evaluator(run, qrels, names, rules), rules, evaluate=evaluator)

    return check


def changed(scores, name, query, value):
    """One value replaced; the mean follows, so that no other identity gives it away."""
    if name not in scores.per_query:
        return scores
    values = {**scores.per_query[name], query: value(scores.per_query[name][query])}
    mean = math.fsum(values.values()) / scores.queries
    return replace(scores, per_query={**scores.per_query, name: values}, means={**scores.means, name: mean})


@pytest.mark.parametrize(
    ("identity", "name", "value"),
    [
        ("finite", "nDCG@10", lambda v: math.nan),
        ("finite", "AP", lambda v: math.inf),
        ("0 <= measure <= 1", "nDCG@10", lambda v: 1.01),
        ("0 <= measure <= 1", "P@10", lambda v: -0.1),
        ("RR@1 = P@1 = Success@1", "P@1", lambda v: 1 - v),
        ("RR@1 = P@1 = Success@1", "RR@1", lambda v: v / 2 + 0.25),
        ("RR@1 = P@1 = Success@1", "Success@1", lambda v: 1 - v),
        ("R never falls with depth", "R@100", lambda v: 0.0),
        ("Success never falls with depth", "Success@10", lambda v: 0.0),
        ("RR never falls with depth", "RR@10", lambda v: 1.0),
    ],
)
def test_one_wrong_value_is_caught(run, qrels, identity, name, value):
    ranks = evaluate(run, qrels, ["RR"]).per_query["RR"]
    query = next(q for q in qrels if 1 / 5 <= ranks[q] < 1)  # neither first nor far down
    check = broken(lambda scores: changed(scores, name, query, value))
    with pytest.raises(AuditFailure) as failure:
        check(run, qrels)
    assert failure.value.identity == identity
    assert failure.value.query == query
    assert name in str(failure.value)
    assert "do not use these scores" in str(failure.value)
    assert isinstance(failure.value, InputError)


def test_an_off_by_one_in_rr_is_caught(run, qrels):
    """RR as 1 / (rank + 1), everywhere: RR@1 disagrees with P@1 where the first document is relevant."""

    def harm(scores):
        wrong = {
            name: {q: 1 / (1 / v + 1) if v else 0.0 for q, v in values.items()} if name.startswith("RR") else values
            for name, values in scores.per_query.items()
        }
        means = {name: math.fsum(wrong[name].values()) / scores.queries for name in wrong}
        return replace(scores, per_query=wrong, means=means)

    with pytest.raises(AuditFailure, match="RR@1 = P@1 = Success@1"):
        broken(harm)(run, qrels)


def test_an_off_by_one_in_ap_is_caught(run, qrels):
    """AP from ranks that start at 2: a query with one relevant document shows it."""

    def harm(scores):
        return changed(scores, "AP", "q18", lambda v: 1 / (1 / v + 1))

    with pytest.raises(AuditFailure, match="AP = RR with one relevant document") as failure:
        broken(harm)(run, qrels)
    assert failure.value.query == "q18"


def test_one_relevant_document_follows_the_threshold(run, qrels):
    audit(run, qrels, evaluate(run, qrels, ["AP", "RR"], Rules(relevance_threshold=2)), Rules(relevance_threshold=2))
    several = {"q0": {"d0": 2, "d1": 1}}  # one relevant from grade 2, two from grade 1
    with pytest.raises(AuditFailure, match="AP = RR with one relevant document"):
        broken(lambda s: changed(s, "AP", "q0", lambda v: v * 0.9))(run, several, Rules(relevance_threshold=2))


def test_a_dropped_query_is_caught(run, qrels):
    def harm(scores):
        kept = {name: {q: v for q, v in values.items() if q != "q3"} for name, values in scores.per_query.items()}
        return replace(scores, per_query=kept, queries=scores.queries - 1)

    with pytest.raises(AuditFailure, match=r"every judged query counts.*'q3'.*it has no"):
        broken(harm)(run, qrels)


def test_an_unjudged_query_in_the_mean_is_caught(run, qrels):
    def harm(scores):
        return replace(scores, per_query={n: {**v, "stranger": 1.0} for n, v in scores.per_query.items()})

    with pytest.raises(AuditFailure, match=r"every judged query counts.*'stranger'.*no judgment"):
        broken(harm)(run, qrels)


@pytest.mark.parametrize(("field", "text"), [("queries", "20 queries"), ("missing_queries", "0 missing queries")])
def test_wrong_counts_are_caught(run, qrels, field, text):
    with pytest.raises(AuditFailure, match=f"{text} are reported"):
        broken(lambda s: replace(s, **{field: getattr(s, field) - 1}))(run, qrels)


def test_a_mean_over_answered_queries_only_is_caught(run, qrels):
    """The mean of BEIR's evaluator: missing queries left out ("single" is not in the run)."""

    def harm(scores):
        return replace(scores, means={n: v * scores.queries / (scores.queries - 1) for n, v in scores.means.items()})

    with pytest.raises(AuditFailure, match=r"the mean of nDCG@10 is 0\.\d+\nExpected: 0\.\d+, from its queries"):
        broken(harm)(run, qrels)


def test_a_mean_that_is_missing_or_not_a_number_is_caught(run, qrels):
    for harm in (
        lambda s: replace(s, means={}),
        lambda s: replace(s, means=dict.fromkeys(s.means, math.nan)),
    ):
        with pytest.raises(AuditFailure, match="audit 'mean'"):
            broken(harm)(run, qrels)


def test_an_evaluator_that_keeps_the_order_of_input_is_caught(run, qrels):
    """Sound identities, but "nDCG" here looks at which query comes first."""

    def evaluator(run, qrels, measures, rules):
        scores = evaluate(run, qrels, measures, rules)
        first = next(q for q in run if q in qrels)
        return changed(scores, "nDCG@10", first, lambda v: v / 2)

    rules = Rules()
    with pytest.raises(AuditFailure, match="same scores after shuffling") as failure:
        audit(run, qrels, evaluator(run, qrels, NAMES, rules), rules, evaluate=evaluator)
    assert "nDCG@10" in str(failure.value)


def test_ties_in_the_order_of_input_are_caught(run, qrels):
    """Equal scores ordered as they came: the first input order is a constant scorer's best friend."""
    lucky = Run({"q0": Ranking(["d0", "d1", "d2"], np.zeros(3, np.float32))})
    scores = evaluate(lucky, {"q0": {"d0": 1}}, ["RR@10"])
    assert scores.means["RR@10"] == 1
    with pytest.raises(AuditFailure, match=r"order of ties.*'q0'.*'d0' .*'d1'.*at rank 2"):
        audit(lucky, {"q0": {"d0": 1}}, scores)


def test_a_duplicated_document_is_caught(run, qrels):
    twice = Run({**run.rankings, "q4": Ranking(["d1", "d2", "d1"], np.array([3, 2, 1], np.float32))})
    with pytest.raises(AuditFailure, match=r"no document twice.*'q4'.*'d1' is at ranks 1 and 3"):
        audit(twice, qrels, evaluate(run, qrels, NAMES))


@pytest.mark.parametrize("scores", [[1, 2, 3], [3, math.nan, 1]])
def test_scores_that_rise_are_caught(run, qrels, scores):
    rising = Run({**run.rankings, "q4": Ranking(["d3", "d2", "d1"], np.array(scores, np.float32))})
    with pytest.raises(AuditFailure, match=r"scores never rise.*'q4'.*rank 2"):
        audit(rising, qrels, evaluate(run, qrels, NAMES))


def test_scores_of_another_run_are_caught(run, qrels):
    with pytest.raises(AuditFailure):
        audit(run.top(3), qrels, evaluate(run, qrels, NAMES))
