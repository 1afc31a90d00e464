"""Scores: by hand, against definitions written anew, and against pytrec_eval called directly."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pytrec_eval
from evaluation import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.evaluation import measures
from ir_bench.evaluation.measures import evaluate
from ir_bench.types import Ranking, Rules, Run

# One grade-2 document at rank 2, one grade-1 document at rank 4, one grade-1 document not found, one judged 0.
RUN = {"q": {"x": 9.0, "best": 8.0, "bad": 7.0, "good": 6.0}}
QRELS = {"q": {"best": 2, "good": 1, "missed": 1, "bad": 0}}
IDEAL = 2 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nDCG@10", (2 / math.log2(3) + 1 / math.log2(5)) / IDEAL),
        ("nDCG@2", (2 / math.log2(3)) / (2 / math.log2(2) + 1 / math.log2(3))),
        ("AP", (1 / 2 + 2 / 4) / 3),
        ("AP(rel=2)", 1 / 2),
        ("RR", 1 / 2),
        ("RR@1", 0),
        ("RR@2", 1 / 2),
        ("R@2", 1 / 3),
        ("R@1000", 2 / 3),
        ("P@4", 2 / 4),
        ("P@10", 2 / 10),  # over ten ranks, though only four documents were found
        ("Success@1", 0),
        ("Success@5", 1),
        ("Judged@2", 1 / 2),
        ("Judged@4", 3 / 4),
        ("Judged@10", 3 / 4),  # over the documents found
        ("Rprec", 1 / 3),
    ],
)
def test_by_hand(name, value):
    scores = evaluate(Run.of(RUN), QRELS, [name])
    assert scores.per_query[name]["q"] == pytest.approx(value, abs=1e-12)
    assert scores.means[name] == scores.per_query[name]["q"]


def test_names_are_the_ones_asked_for_and_say_what_they_stood_for():
    scores = evaluate(Run.of(RUN), QRELS, ["MRR@10", "AP", "AP(rel=1)", "AP"], Rules(relevance_threshold=2))
    assert list(scores.means) == list(scores.per_query) == ["MRR@10", "AP", "AP(rel=1)"]
    assert scores.definitions == {"MRR@10": "RR(rel=2)@10", "AP": "AP(rel=2)", "AP(rel=1)": "AP"}
    assert scores.means["AP"] == pytest.approx(1 / 2)
    assert scores.means["AP(rel=1)"] == pytest.approx(1 / 3)


def test_every_judged_query_is_in_the_mean():
    qrels = {"answered": {"a": 1}, "absent": {"a": 1}, "empty": {"a": 1}, "nothing relevant": {"a": 0}, "unjudged": {}}
    run = Run.of({"answered": {"a": 1}, "empty": {}, "nothing relevant": {"a": 1}, "unjudged": {"a": 1}, "extra": {}})
    names = ["AP", "RR@10", "nDCG@10", "R@10", "Judged@10", "Success@5"]
    scores = evaluate(run, qrels, names)
    assert (scores.queries, scores.missing_queries, scores.unjudged_queries) == (4, 2, 2)
    for name in names:
        expected = {"answered": 1, "absent": 0, "empty": 0, "nothing relevant": float(name == "Judged@10")}
        assert scores.per_query[name] == expected
        assert scores.means[name] == sum(expected.values()) / 4


def test_a_query_without_relevant_documents_counts_as_zero_in_pytrec_eval_too():
    """trec_eval's change log, 8.1: only queries without any judgment are ignored."""
    qrels = {"1": {"a": 1}, "2": {"a": 0}}
    theirs = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "map"}).evaluate({"1": {"a": 1.0}, "2": {"a": 1.0}})
    assert theirs["2"] == {"ndcg_cut_10": 0, "map": 0}
    scores = evaluate(Run.of({"1": {"a": 1}, "2": {"a": 1}}), qrels, ["nDCG@10", "AP"])
    assert scores.means == {"nDCG@10": 0.5, "AP": 0.5}


TREC = {"nDCG@10": "ndcg_cut_10", "nDCG": "ndcg", "AP": "map", "RR": "recip_rank", "R@3": "recall_3", "P@1": "P_1",
        "Success@5": "success_5", "Bpref": "bpref", "Rprec": "Rprec"}  # fmt: skip


def trec(run, qrels, level=1):
    """pytrec_eval on the scores themselves, as a user would call it."""
    return pytrec_eval.RelevanceEvaluator(qrels, set(TREC.values()), relevance_level=level).evaluate(run)


def assert_equals_trec_eval(run, qrels, level=1):
    scores = evaluate(Run.of(run), qrels, list(TREC), Rules(relevance_threshold=level))
    theirs = trec(run, qrels, level)
    for name, trec_name in TREC.items():
        for query, values in theirs.items():
            assert scores.per_query[name][query] == values[trec_name], (name, query)


@pytest.mark.parametrize(
    "scores",
    [
        {"a": 1.0, "b": 1.0, "c": 1.0},
        {"a": 1.0 + 1e-12, "b": 1.0, "c": 1.0 - 1e-12},  # a tie in float32
        {"a": 16777217.0, "b": 16777216.0, "c": 1.0},  # 2^24 + 1 is no float32
        {"a": 0.1, "b": float(np.float32(0.1)), "c": 0.1 + 1e-9},
        {"a": -1.0, "b": -1.0 - 1e-12, "c": -2.0},
        {"a": 0.0, "b": -0.0, "c": 1e-50},  # 1e-50 is 0 in float32
        {"doc10": 1.0, "doc9": 1.0, "é": 1.0, "z": 1.0, "\U0001f600": 1.0, "\ufffd": 1.0},  # order of bytes
    ],
)
def test_ties_are_broken_as_trec_eval_breaks_them(scores):
    for relevant in scores:  # each document in turn is the relevant one, so that its rank shows
        assert_equals_trec_eval({"q": scores}, {"q": {relevant: 1}})


few_documents = st.sampled_from([f"d{i}" for i in range(10)])
# few distinct scores make ties; neighbours in double precision make ties in float32 only
some_scores = st.sampled_from([0.1, 0.1 + 1e-12, 0.1 - 1e-12, 0.3, 7.0, 7.0 + 1e-10, -2.0])
ranking = st.dictionaries(few_documents, some_scores | st.floats(-1e6, 1e6), min_size=1, max_size=10)
grades = st.dictionaries(few_documents, st.integers(0, 3), min_size=1, max_size=8)
runs = st.dictionaries(st.sampled_from("xyz"), ranking, min_size=1)
judged = st.dictionaries(st.sampled_from("xyz"), grades, min_size=1)


@settings(deadline=None)
@given(runs, judged, st.integers(1, 3))
def test_equals_trec_eval_on_scores(run, qrels, level):
    if run.keys() & qrels.keys():
        assert_equals_trec_eval(run, qrels, level)


@settings(deadline=None)
@given(runs, judged.map(lambda q: {i: {d: g - 2 for d, g in v.items()} | {"zero": 0} for i, v in q.items()}))
def test_negative_grades_are_what_they_are_in_trec_eval(run, qrels):
    """Grades -2 to 1; a grade of 0 in each query keeps trec_eval within its memory."""
    if run.keys() & qrels.keys():
        assert_equals_trec_eval(run, qrels)


def test_negative_grades_by_hand():
    run = Run.of({"q": {"spam": 3.0, "good": 2.0, "bad": 1.0}})
    scores = evaluate(run, {"q": {"spam": -2, "good": 1, "bad": 0}}, ["nDCG@10", "AP", "Bpref", "P@1", "RR@10"])
    assert scores.means["nDCG@10"] == pytest.approx(1 / math.log2(3))  # no gain, and no loss beyond its rank
    assert scores.means["AP"] == scores.means["RR@10"] == 1 / 2
    assert scores.means["P@1"] == 0
    assert scores.means["Bpref"] == 1  # not judged: no non-relevant document stands before the relevant one


@pytest.mark.parametrize("grade", [-1, -2, -50])
def test_only_negative_grades(grade):
    """trec_eval reads outside its memory here (0.5.11 of pytrec_eval-terrier ends the process at -2)."""
    qrels = {"a": {"d": 3, "e": 2, "f": 1}, "b": {"d": grade}, "c": {"d": 1}}
    run = Run.of({q: {"d": 1.0, "e": 2.0, "f": 3.0} for q in qrels})
    names = ["nDCG@10", "nDCG", "AP", "RR@10", "R@10", "P@1"]
    scores = evaluate(run, qrels, names)
    assert [scores.per_query[name]["b"] for name in names] == [0] * 6
    without = evaluate(run, {q: g for q, g in qrels.items() if q != "b"}, names)
    assert all(scores.per_query[n][q] == without.per_query[n][q] for n in names for q in "ac")


def test_a_query_may_have_the_name_of_trec_evals_empty_cache():
    """pytrec_eval-terrier 0.5.11 answers this query with AP 2.0 and nDCG@10 1.8e14."""
    scores = evaluate(Run.of({"no_query": {"a": 1, "b": 2}}), {"no_query": {"a": 1}}, ["AP", "nDCG@10"])
    assert scores.means == {"AP": 0.5, "nDCG@10": pytest.approx(1 / math.log2(3))}


@settings(deadline=None)
@given(runs, judged, st.integers(1, 3), st.integers(1, 6))
def test_equals_the_definitions(run, qrels, level, k):
    if not run.keys() & qrels.keys():
        return
    names = [f"nDCG@{k}", f"R@{k}", f"P@{k}", f"RR@{k}", f"Success@{k}", "RR", "AP"]
    scores = evaluate(Run.of(run), qrels, names, Rules(relevance_threshold=level))
    for query, judgments in qrels.items():
        # the order by definition: float32 score, then id, both descending
        scored = run.get(query, {})
        order = sorted(scored, key=lambda d: (np.float32(scored[d]), d), reverse=True)
        expected = [
            reference.ndcg(order, judgments, k),
            reference.recall(order, judgments, k, level),
            reference.precision(order, judgments, k, level),
            reference.reciprocal_rank(order, judgments, k, level),
            reference.success(order, judgments, k, level),
            reference.reciprocal_rank(order, judgments, rel=level),
            reference.average_precision(order, judgments, level),
        ]
        assert [scores.per_query[n][query] for n in names] == pytest.approx(expected, abs=1e-12)


def test_ties_do_not_reach_measures_that_break_them_otherwise():
    """ir_measures' own RR@k and Judged@k put equal scores in ascending order of ids; trec_eval does the reverse."""
    run = Run.of({"q": {"a": 1.0, "b": 1.0}})
    scores = evaluate(run, {"q": {"a": 1}}, ["RR@1", "RR@10", "RR", "Judged@1", "P@1", "Success@1"])
    assert scores.means == {"RR@1": 0, "RR@10": 0.5, "RR": 0.5, "Judged@1": 0, "P@1": 0, "Success@1": 0}


def test_long_runs_are_scored_in_blocks(monkeypatch):
    rand = np.random.default_rng(3)
    run = Run.of({f"q{i}": {f"d{j}": float(s) for j, s in enumerate(rand.random(30))} for i in range(50)})
    qrels = {f"q{i}": {f"d{j}": int(g) for j, g in enumerate(rand.integers(0, 3, 20))} for i in range(53)}
    names = ["nDCG@10", "AP", "RR@10", "R@5", "Judged@10"]
    whole = evaluate(run, qrels, names)
    monkeypatch.setattr(measures, "BLOCK", 7)
    assert evaluate(run, qrels, names) == whole


def test_measures_do_not_disturb_one_another():
    """A gain table, thresholds and judged-only variants in one call are what they are alone, whatever the hash seed."""
    names = ["nDCG(gains={1: 7, 2: 1})@10", "nDCG@10", "nDCG(judged_only=True)@10", "nDCG", "AP", "AP(rel=2)",
             "AP(judged_only=True)", "RR@10", "RR(rel=2)@10", "RR", "Judged@10", "Judged@1"]  # fmt: skip
    run = Run.of(RUN)
    alone = {name: evaluate(run, QRELS, [name]).means[name] for name in names}
    assert evaluate(run, QRELS, names).means == alone
    assert len({alone["nDCG@10"], alone["nDCG(gains={1: 7, 2: 1})@10"], alone["nDCG(judged_only=True)@10"]}) == 3
    code = (
        "from ir_bench.evaluation.measures import evaluate; from ir_bench.types import Run;"
        f"print(evaluate(Run.of({RUN!r}), {QRELS!r}, {names!r}).means == {alone!r})"
    )
    for seed in ("1", "2", "3"):
        result = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parents[2],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert result.stdout.strip() == "True"


def test_grades_of_numpy_are_integers_too():
    assert evaluate(Run.of(RUN), {"q": {"best": np.int64(1)}}, ["AP"]).means["AP"] == 0.5


@pytest.mark.parametrize(
    ("run", "qrels", "message"),
    [
        (RUN, {}, "no relevance judgments"),
        (RUN, {"q": {}}, "no relevance judgments"),
        (RUN, {"other": {"a": 1}}, "answers none of the 1 judged queries"),
        ({}, QRELS, "answers none of the 1 judged queries"),
        (RUN, {"q": {"best": 1.5}}, "a grade that is no integer"),
        (RUN, {"q": {"best": "1"}}, "a grade that is no integer"),
        (RUN, {"q": {"best": 10_000_000}}, "has the grade 10000000"),
    ],
)
def test_bad_input_is_an_error(run, qrels, message):
    with pytest.raises(InputError, match=message):
        evaluate(Run.of(run), qrels, ["nDCG@10"])


def test_a_document_ranked_twice_is_an_error():
    run = Run({"q": Ranking(["a", "b", "a"], np.array([3, 2, 1], np.float32))})
    with pytest.raises(InputError, match="'q' ranks document 'a' twice"):
        evaluate(run, {"q": {"a": 1}}, ["AP"])


@settings(deadline=None)
@given(runs, judged)
def test_ranks_and_scores_give_the_same_values(run, qrels):
    """What is scored are ranks: replacing the scores by anything in the same order changes nothing."""
    if run.keys() & qrels.keys():
        ranked = Run.of(run)
        restated = Run(
            {q: Ranking(r.documents, -np.arange(len(r), dtype=np.float32)) for q, r in ranked.rankings.items()}
        )
        names = [*TREC, "RR@2", "Judged@3"]
        assert evaluate(ranked, qrels, names) == evaluate(restated, qrels, names)
