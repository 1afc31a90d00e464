"""Axiomatic feedback against its definition, and what all feedback must keep."""

from __future__ import annotations

from collections import Counter
from math import log

import numpy as np
import pytest

from ir_bench.errors import InputError
from ir_bench.retrievers.lucene_bm25 import Lucene
from ir_bench.retrievers.lucene_feedback import Axiomatic, Rm3, Rocchio
from ir_bench.retrievers.lucene_ql import LuceneQueryLikelihood
from ir_bench.store import Store
from ir_bench.types import Corpus, Document

pytestmark = pytest.mark.lucene

WORDS = [f"{a}{b}" for a in "abcdefghij" for b in "klmnop"]
QUERY = "ak bl ak zz"


def corpus_of(size: int, seed: int) -> Corpus:
    generator = np.random.default_rng(seed)
    texts = [" ".join(generator.choice(WORDS, n)) for n in generator.integers(3, 40, size)]
    documents = [Document(f"d{i}", f"{text} 42 x") for i, text in enumerate(texts)]
    return Corpus(f"words-{size}", f"words-{size}-{seed}", lambda: iter(documents), size)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return Store(tmp_path_factory.mktemp("feedback"))


def information(x: set[str], y: set[str], documents: int) -> float:
    """Mutual information of two terms' occurrence; shares of documents in single precision, as Anserini has them."""

    def share(count: int) -> np.float32:
        return np.float32(count) / np.float32(documents)

    total = 0.0
    for in_x in (True, False):
        for in_y in (True, False):
            both = len(x & y) if in_x and in_y else len(x - y) if in_x else len(y - x)
            both = both if in_x or in_y else documents - len(x | y)
            apart = share(len(x) if in_x else documents - len(x)) * share(len(y) if in_y else documents - len(y))
            if both:
                total += float(share(both)) * log(share(both) / apart)
    return total


def best(scores: dict[str, float], most: int) -> dict[str, float]:
    """The highest, never more than half of them: Anserini's loop shortens the queue that it counts against."""
    names = sorted(scores, key=lambda name: (-scores[name], name))
    return {name: scores[name] for name in names[: min(most, (len(names) + 1) // 2)]}


def term_weights(corpus: Corpus, query: str, beta: float, terms: int) -> dict[str, float]:
    """The expanded query where every document is in the pool."""
    holders: dict[str, set[str]] = {}
    for document in corpus:
        for term in document.text.split():
            holders.setdefault(term, set()).add(document.id)
    size = sum(1 for _ in corpus)
    candidates = [t for t in holders if len(t) > 1 and t.isalpha()]
    weights: Counter[str] = Counter()
    for term, count in Counter(query.split()).items():
        if term in holders:
            idf = log((size + 1) // len(holders[term]))
            own = information(holders[term], holders[term], size)
            shares = {t: beta * information(holders[term], holders[t], size) / own for t in candidates if t != term}
            for other, share in best({term: 1.0, **shares}, 1000).items():
                weights[other] += idf * count * share / len(query.split())
    return best(weights, terms)


@pytest.mark.parametrize("retriever", [Lucene, LuceneQueryLikelihood])
@pytest.mark.parametrize("feedback", [Axiomatic(), Axiomatic(terms=5, documents=30, beta=0.9)])
@pytest.mark.parametrize("size", [300, 60])
def test_axiomatic_feedback_in_a_collection_smaller_than_the_pool(store, retriever, feedback, size):
    corpus = corpus_of(size, 1)
    weights = term_weights(corpus, QUERY, feedback.beta, feedback.terms)
    plain = retriever(analyzer="whitespace")
    plain.build(corpus, store)
    expected: Counter[str] = Counter()
    for term, found in plain.search({t: t for t in weights}, 300).scored().items():
        for document, score in found.items():
            expected[document] += weights[term] * score
    fed = retriever(feedback=feedback, analyzer="whitespace")
    fed.build(corpus, store)
    assert fed.search({"q": QUERY}, 300).scored()["q"] == pytest.approx(dict(expected), rel=1e-5, abs=1e-6)


def test_one_collection_does_not_draw_from_another(store):
    """Anserini keeps the ids to draw from in one place for the whole process."""
    feedback = Axiomatic(documents=2, pool=10)
    large, small = Lucene(feedback=feedback), Lucene(feedback=feedback)
    large.build(corpus_of(300, 1), store)
    alone = large.search({"q": QUERY}, 20)
    small.build(corpus_of(60, 2), store)
    small.search({"q": QUERY}, 20)
    assert large.search({"q": QUERY}, 20) == alone


def test_the_seed_decides_what_is_drawn(store):
    corpus, runs = corpus_of(300, 1), []
    for seed in (42, 42, 7):
        retriever = Lucene(feedback=Axiomatic(documents=2, pool=10, seed=seed))
        retriever.build(corpus, store)
        runs.append(retriever.search({"q": QUERY}, 20))
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("feedback", [None, Rm3(), Rocchio(), Axiomatic(documents=10, pool=3)])
@pytest.mark.parametrize("retriever", [Lucene, LuceneQueryLikelihood])
def test_fewer_hits_are_the_first_of_more(store, retriever, feedback):
    searched = retriever(feedback=feedback)
    searched.build(corpus_of(300, 1), store)
    assert searched.search({"q": QUERY}, 3) == searched.search({"q": QUERY}, 50).top(3)


@pytest.mark.parametrize("feedback", [Rm3(), Rocchio(), Axiomatic(documents=10, pool=3)])
def test_feedback_changes_the_ranking_and_searching_again_does_not(store, feedback):
    corpus = corpus_of(300, 1)
    plain, fed = Lucene(), Lucene(feedback=feedback)
    plain.build(corpus, store)
    fed.build(corpus, store)
    first = fed.search({"q": QUERY}, 50)
    assert first != plain.search({"q": QUERY}, 50)
    assert first == fed.search({"q": QUERY}, 50)


def test_one_document_is_refused(store):
    corpus = Corpus("one", "one-1", lambda: iter([Document("d", "moon")]), 1)
    retriever = Lucene(feedback=Axiomatic())
    retriever.build(corpus, store)
    with pytest.raises(InputError, match="one document"):
        retriever.search({"q": "moon"}, 1)


@pytest.mark.parametrize(
    "settings",
    [(Axiomatic, {"pool": 1}), (Axiomatic, {"documents": 0}), (Rm3, {"documents": 51}), (Rm3, {"documents": 0})],
)
def test_settings_anserini_would_not_honour_are_refused(settings):
    kind, values = settings
    with pytest.raises(InputError):
        kind(**values)
