from dataclasses import replace

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.types import Alignment, Corpus, Document, Hits, Match, MultiVector, Run, Sparse, Strings

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.lists(TEXT, max_size=20))
def test_strings_are_a_list_of_strings(strings):
    held = Strings.of(strings)
    assert list(held) == strings
    assert [held[i] for i in range(len(held))] == strings
    assert held.take(np.arange(len(strings), dtype=np.int64)) == strings


@given(
    st.dictionaries(TEXT.filter(bool), st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=12),
    st.integers(1, 15),
)
def test_a_ranking_is_sorted_by_score_then_by_descending_id(scored, k):
    expected = sorted(scored, key=lambda d: (scored[d], d), reverse=True)[:k]
    ranking = Run.of({"q": scored}, k)["q"]
    assert list(ranking.documents) == expected
    assert ranking.scores.tolist() == [scored[d] for d in expected]


def test_ties_are_broken_as_trec_eval_breaks_them():
    """Reciprocal rank shows where trec_eval put the one relevant document among equals."""
    documents = ["a", "b", "B", "é", "d10", "d9"]
    for relevant in documents:
        for delta in (0.0, 1e-9):  # a difference that float32 cannot hold is a tie for trec_eval
            scored = {d: 1.0 + (delta if d == "a" else 0.0) for d in documents}
            theirs = pytrec_eval.RelevanceEvaluator({"q": {relevant: 1}}, {"recip_rank"}).evaluate({"q": scored})
            rank = list(Run.of({"q": scored})["q"].documents).index(relevant) + 1
            assert theirs["q"]["recip_rank"] == pytest.approx(1 / rank)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 1e39])
def test_a_score_that_is_not_finite_is_an_error_that_names_it(bad):
    with pytest.raises(InputError, match=r"'q'.*'d2'"):
        Run.of({"q": {"d1": 1.0, "d2": bad}})


def test_hits_are_named_and_padding_is_left_out():
    hits = Hits(np.array([[2, 0, -1]]), np.array([[3.0, 3.0, -np.inf]], np.float32))
    ranking = Run.from_hits(["q"], hits, Strings.of(["a", "b", "c"]))["q"]
    assert list(ranking.documents) == ["c", "a"]


def test_own_document_is_dropped_from_its_query_only():
    run = Run.of({"1": {"1": 2.0, "2": 1.0}, "2": {"1": 2.0}}).without_self()
    assert run.scored() == {"1": {"2": 1.0}, "2": {"1": 2.0}}


def test_slices_of_ragged_vectors():
    vectors = MultiVector(np.arange(10).reshape(5, 2), np.array([0, 2, 2, 5]))
    part = vectors[1:3]
    assert len(part) == 2
    assert part.row(0).shape == (0, 2)
    assert part.row(1).tolist() == [[4, 5], [6, 7], [8, 9]]
    named = MultiVector(vectors.values, vectors.offsets, np.arange(5, dtype=np.int32), Strings.of("abcde"))[2:3]
    assert named.vocabulary.take(named.tokens) == ["c", "d", "e"]
    sparse = Sparse(
        np.array([1, 0, 1], np.int32), np.array([1, 2, 3], np.float32), np.array([0, 1, 3]), Strings.of(["x", "y"])
    )
    assert sparse[1:2].row(0) == {"x": 2.0, "y": 3.0}
    assert len(sparse[2:2]) == 0


def test_corpus_chunks_and_title_policy():
    documents = [Document("1", "text", "Title"), Document("2", "text"), Document("3", "")]
    corpus = Corpus("c", "x", lambda: iter(documents))
    assert [len(chunk) for chunk in corpus.chunks(2)] == [2, 1]
    assert [corpus.contents(d) for d in corpus] == ["Title text", "text", ""]
    assert Corpus("c", "x", lambda: iter(documents), titles="ignore").contents(documents[0]) == "text"


def test_an_alignment_s_matches_imputed_scores_and_what_else_is_added():
    nan = np.nan
    found = Alignment(
        *(["a", "b", "c"], ["x", "y"], np.array([[nan, 0.25], [nan, nan], [0.5, 0.5]], np.float32)),
        imputed=np.array([9, 0.125, 9], np.float32),
        weight=2.0,
        added={"score of text": 0.75},
    )
    assert found.matches() == [
        Match("a", 2, 0.25, 0.5, "y"),
        Match("b", 2, 0.125, 0.25, imputed=True),
        Match("c", 2, 0.5, 1, "x"),
        Match("score of text", 1, 0.75, 0.75),
    ]
    assert found.nearest().tolist() == [1, -1, 0]
    assert found.adds().tolist() == [0.5, 0.25, 1]
    assert [(m.document_term, m.score) for m in found.within(0, 1).matches()] == [(None, 18), (None, 0.25), ("x", 1)]
    assert replace(found, imputed=None, added={}).matches() == [found.matches()[0], found.matches()[2]]


@pytest.mark.parametrize("shape", [(0, 0), (0, 2), (2, 0), (2, 2)])
def test_an_alignment_that_compares_nothing_has_no_matches_and_imputes_nothing(shape):
    terms = ["a", "b"]
    found = Alignment(terms[: shape[0]], terms[: shape[1]], np.full(shape, np.nan, np.float32), np.ones(shape[0]))
    assert found.matches() == []
    assert found.nearest().tolist() == [-1] * shape[0]
    assert found.adds().tolist() == [0] * shape[0]
