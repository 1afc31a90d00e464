"""BM25 in two fields is the weighted sum of BM25 in each."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ir_bench.errors import InputError
from ir_bench.retrievers.lucene_bm25 import Lucene
from ir_bench.retrievers.lucene_bm25_multifield import LuceneMultifield
from ir_bench.store import Store
from ir_bench.types import Corpus, Document

pytestmark = pytest.mark.lucene

WORDS = ["tide", "moon", "water", "harbour", "flour", "bread", "runs", "the", "of"]
QUERIES = {"both": "tides of the moon", "repeated": "water water bread", "unknown": "zzz", "empty": ""}


def corpus_of(documents: list[Document], name: str) -> Corpus:
    return Corpus(name, f"{name}-1", lambda: iter(documents), len(documents))


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    """200 documents, every third without a title, some with titles of stop words."""
    generator = np.random.default_rng(5)

    def words(most: int) -> str:
        return " ".join(generator.choice(WORDS, generator.integers(1, most)))

    return [Document(f"d{i}", f"x{i} {words(40)}", "" if i % 3 == 0 else words(6)) for i in range(200)]


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return Store(tmp_path_factory.mktemp("fields"))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("text_weight", "title_weight"), [(1.0, 1.0), (0.5, 2.0), (0.0, 1.0)])
def test_the_score_is_the_weighted_sum_of_the_fields(documents, store, text_weight, title_weight, threads):
    both = LuceneMultifield(k1=1.2, b=0.7, text_weight=text_weight, title_weight=title_weight, threads=threads)
    both.build(corpus_of(documents, "both"), store)
    expected: dict[str, dict[str, float]] = {query: {} for query in QUERIES}
    texts = [Document(d.id, d.text) for d in documents]
    titles = [Document(d.id, d.title) for d in documents]
    for name, field, weight in (("texts", texts, text_weight), ("titles", titles, title_weight)):
        one = Lucene(k1=1.2, b=0.7)
        one.build(corpus_of(field, name), store)
        for query, found in one.search(QUERIES, 1000).scored().items():
            for document, score in found.items():
                expected[query][document] = expected[query].get(document, 0) + weight * score
    assert len(expected["both"]) > 150
    run = both.search(QUERIES, 1000)
    for query in QUERIES:
        assert run.scored()[query] == pytest.approx(expected[query], abs=2e-6)


def test_a_document_without_text_is_left_out_as_in_anserini(store):
    documents = [Document("a", "", "moon"), Document("b", "water", "moon")]
    retriever = LuceneMultifield()
    retriever.build(corpus_of(documents, "no-text"), store)
    assert list(retriever.search({"q": "moon"}, 5)["q"].documents) == ["b"]


def test_ignored_titles_are_refused(documents, store):
    ignoring = dataclasses.replace(corpus_of(documents, "both"), titles="ignore")
    with pytest.raises(InputError, match="ignores titles"):
        LuceneMultifield().build(ignoring, store)


def test_a_negative_weight_is_refused():
    with pytest.raises(InputError, match="weights"):
        LuceneMultifield(title_weight=-1.0)
