"""Retrievers made of retrievers, with stand-ins whose rankings are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from ir_bench.errors import InputError
from ir_bench.fusions.linear import Linear
from ir_bench.protocols import Retriever
from ir_bench.retrievers.fused import Fused
from ir_bench.retrievers.reranked import Reranked
from ir_bench.types import Alignment, Corpus, Match, Queries, Run

QUERIES = {"q": "text", "r": "other"}


@dataclass
class Fixed:
    """The same documents for every query, best first, and a log of the depths it was asked for."""

    documents: str
    asked: list[int] = field(default_factory=list, init=False)
    built: int = field(default=0, init=False)

    def build(self, corpus: Corpus, store) -> None:
        self.built += 1

    def search(self, queries: Queries, k: int) -> Run:
        self.asked.append(k)
        scored = {d: 10.0 - i for i, d in enumerate(self.documents)}
        return Run.of(dict.fromkeys(queries, scored), k)


@dataclass
class Alphabetical:
    """A reranker: the later in the alphabet the better."""

    built: int = field(default=0, init=False)

    def build(self, corpus: Corpus, store) -> None:
        self.built += 1

    def rerank(self, queries: Queries, candidates: Run) -> Run:
        return Run.of({q: {d: float(ord(d)) for d in candidates[q].documents} for q in queries})


@dataclass
class Sum:
    """A fusion: scores added."""

    def __call__(self, runs: Mapping[str, Run], k: int) -> Run:
        total: dict[str, dict[str, float]] = {}
        for run in runs.values():
            for query, scores in run.scored().items():
                for document, score in scores.items():
                    sums = total.setdefault(query, {})
                    sums[document] = sums.get(document, 0) + score
        return Run.of(total, k)


def names(run: Run, query: str = "q") -> str:
    return "".join(run[query].documents)


def test_the_best_of_the_first_search_in_the_order_of_the_reranker(store):
    retriever = Reranked(Fixed("cabzy"), Alphabetical(), depth=3)
    retriever.build(Corpus("c", "c", lambda: iter(())), store)
    assert (retriever.first.built, retriever.reranker.built) == (1, 1)
    assert names(retriever.search(QUERIES, 2)) == "cb"
    assert names(retriever.search(QUERIES, 10)) == "cba"  # never deeper than depth
    assert retriever.first.asked == [3, 3]


def test_every_query_is_answered():
    assert list(Reranked(Fixed(""), Alphabetical()).search(QUERIES, 5)) == ["q", "r"]


def test_fusion_sees_every_retriever_at_depth_and_cuts_at_k(store):
    fused = Fused({"one": Fixed("abcd"), "two": Fixed("dcx")}, Sum(), depth=3)
    fused.build(Corpus("c", "c", lambda: iter(())), store)
    assert [r.built for r in fused.retrievers.values()] == [1, 1]
    # one: a 10, b 9, c 8 (d is beyond its depth); two: d 10, c 9, x 8: c 17, then d and a (d first among equals)
    assert names(fused.search(QUERIES, 2)) == "cd"
    assert names(fused.search(QUERIES, 3)) == "cda"


def test_a_k_beyond_depth_asks_each_retriever_for_k():
    fused = Fused({"one": Fixed("abcd"), "two": Fixed("dcx")}, Sum(), depth=1)
    # d 7 + 10, c 8 + 9: equal, d first
    assert names(fused.search(QUERIES, 4)) == "dcab"
    assert [r.asked for r in fused.retrievers.values()] == [[4], [4]]


def test_they_nest():
    inner = Fused({"one": Fixed("ab"), "two": Fixed("bc")}, Sum())
    outer = Reranked(inner, Alphabetical(), depth=2)
    assert isinstance(inner, Retriever)
    assert isinstance(outer, Retriever)
    assert names(outer.search(QUERIES, 5)) == "ba"


@pytest.mark.parametrize("k", [0, -2, True])
@pytest.mark.parametrize(
    "make", [lambda d: Reranked(Fixed("ab"), Alphabetical(), d), lambda d: Fused({"x": Fixed("ab")}, Sum(), d)]
)
def test_depths_below_one_are_errors(make, k):
    with pytest.raises(InputError, match="number of hits"):
        make(5).search(QUERIES, k)
    with pytest.raises(InputError, match="number of hits"):
        make(k).search(QUERIES, 5)


def test_no_retrievers_to_fuse_is_an_error():
    with pytest.raises(InputError, match="no retrievers"):
        Fused({}, Sum())


@dataclass
class Comparing(Fixed):
    """Compares one token; the product is the score of the search, and 1 for documents beyond."""

    aligns: bool = True

    def align(self, query, documents):
        scores = {d: 10.0 - i for i, d in enumerate(self.documents)}
        return {d: Alignment([query], [d], np.array([[scores.get(d, 1)]], np.float32)) for d in documents}


def test_tokens_of_a_fusion_are_those_of_its_part_and_the_others_are_added():
    linear = Linear({"words": 0.25, "text": 0.75}, normalisation="none", missing="minimum")
    fused = Fused({"words": Comparing("abcd"), "text": Fixed("dcbx")}, linear, depth=3)
    assert fused.aligns
    scores = fused.search({"query": "text"}, 3).scored()["query"]
    found = fused.align("text", list("abcdxz"))
    assert scores.keys() <= found.keys()
    for document, score in scores.items():
        assert sum(match.score for match in found[document].matches()) == pytest.approx(score, rel=1e-6)
    assert found["b"].matches() == [Match("text", 0.25, 9, 2.25, "b"), Match("score of text", 1, 6, 6)]
    # the words' own ranking ends before d, so that its tokens say nothing
    assert [match.term for match in found["d"].matches()] == ["score of words + text"]
    assert found["z"].matches() == [Match("text", 0.25, 1, 0.25, "z")]  # found by neither


def test_fusions_that_do_not_add_the_scores_of_tokens_as_they_are_cannot_tell():
    one = {"words": Comparing("ab"), "text": Fixed("ab")}
    two = {**one, "text": Comparing("ab")}
    none = {**one, "words": Comparing("ab", aligns=False)}
    plain = Linear(normalisation="none")
    for retrievers, fusion in ((one, Linear()), (one, Sum()), (two, plain), (none, plain)):
        fused = Fused(retrievers, fusion)
        assert not fused.aligns
        with pytest.raises(InputError, match="not a sum of tokens"):
            fused.align("text", ["a"])
