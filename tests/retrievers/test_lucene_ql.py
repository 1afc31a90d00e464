"""Query likelihood against its formula, summed in double precision."""

from __future__ import annotations

from collections import Counter
from math import log

import numpy as np
import pytest

from ir_bench.retrievers.lucene_bm25 import Lucene
from ir_bench.retrievers.lucene_feedback import Rm3
from ir_bench.retrievers.lucene_ql import LuceneQueryLikelihood
from ir_bench.store import Store
from ir_bench.types import Corpus, Document

pytestmark = pytest.mark.lucene

WORDS = ["tide", "moon", "moon", "moon", "water", "flour", "bread"]
QUERIES = {"plain": "tide moon", "repeated": "water water bread", "unknown": "zzz moon", "empty": ""}


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> tuple[Corpus, Store]:
    """Texts of at most 39 terms: up to there Lucene's one byte keeps the length as it is."""
    generator = np.random.default_rng(3)
    texts = [" ".join(generator.choice(WORDS, n)) for n in generator.integers(1, 40, 120)]
    documents = [Document(f"d{i}", text) for i, text in enumerate(texts)]
    return Corpus("ql", "ql-1", lambda: iter(documents), len(documents)), Store(tmp_path_factory.mktemp("ql"))


def by_formula(corpus: Corpus, query: str, mu: float) -> dict[str, float]:
    bags = {document.id: Counter(document.text.split()) for document in corpus}
    collection = sum(bags.values(), Counter())
    scores: dict[str, float] = {}
    for name, bag in bags.items():
        for term in query.split():
            if bag[term]:
                share = (collection[term] + 1) / (collection.total() + 1)
                value = log(1 + bag[term] / (mu * share)) + log(mu / (bag.total() + mu))
                scores[name] = scores.get(name, 0.0) + max(value, 0.0)
    return scores


@pytest.mark.parametrize("mu", [10.0, 1000.0])
@pytest.mark.parametrize("threads", [1, 2])
def test_scores_are_those_of_the_formula(small, mu, threads):
    corpus, store = small
    retriever = LuceneQueryLikelihood(mu, analyzer="whitespace", threads=threads)
    retriever.build(corpus, store)
    run = retriever.search(QUERIES, 1000)
    for name, query in QUERIES.items():
        assert run.scored()[name] == pytest.approx(by_formula(corpus, query, mu), abs=1e-5)


def test_a_term_less_frequent_than_in_the_collection_adds_nothing(small):
    corpus, store = small
    retriever = LuceneQueryLikelihood(analyzer="whitespace")
    retriever.build(corpus, store)
    scores = retriever.search({"q": "moon"}, 1000)["q"].scores
    assert len(scores) > 100
    assert (scores < 1e-6).sum() > 10


def test_bm25_and_feedback_share_the_index(small):
    corpus, store = small
    for retriever in (
        LuceneQueryLikelihood(analyzer="whitespace"),
        LuceneQueryLikelihood(50.0, Rm3(), "whitespace"),
        Lucene(analyzer="whitespace"),
    ):
        retriever.build(corpus, store)
    assert len([p for p in (store.folder / "indexes").iterdir() if (p / "segments_1").exists()]) == 1
