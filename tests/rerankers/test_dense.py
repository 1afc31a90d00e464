"""Dense rescoring against plain inner products, and what it shares with a vector retriever."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest

from ir_bench import encoding
from ir_bench.encoding import RowFinder
from ir_bench.errors import InputError
from ir_bench.indexes.flat import FlatIndex
from ir_bench.rerankers.dense import DenseReranker
from ir_bench.retrievers.vector import VectorRetriever
from ir_bench.types import Corpus, Dense, Document, Run, Sparse, Strings

DOCUMENTS = [Document(f"d{i}", "x" * (i * 37 % 101) + " " + "y" * (i % 7)) for i in range(60)]
QUERIES = {"q1": "xxxx yy", "q2": "x yyyyyy", "q3": "y"}


@dataclass
class Letters:
    """Counts of two letters, with a log of how many documents were encoded."""

    produces: ClassVar[type] = Dense
    encoded: list[int] = field(default_factory=list, init=False, repr=False)

    def fit(self, corpus: Corpus) -> None: ...

    def encode_documents(self, texts) -> Dense:
        self.encoded.append(len(texts))
        return self.encode_queries(texts)

    def encode_queries(self, texts) -> Dense:
        return Dense(np.array([[t.count("x") / 9, t.count("y") / 5, 0.1] for t in texts], np.float32))


@dataclass
class Words:
    produces: ClassVar[type] = Sparse


@pytest.fixture
def corpus() -> Corpus:
    return Corpus("letters", "letters-1", lambda: iter(DOCUMENTS), len(DOCUMENTS))


def candidates(*names: str) -> Run:
    return Run.of({query: {name: float(-i) for i, name in enumerate(names)} for query in QUERIES})


def test_candidates_alone_are_scored_by_the_inner_product(corpus, store):
    reranker = DenseReranker(Letters())
    reranker.build(corpus, store)
    names = ["d59", "d3", "d40", "d7"]
    run = reranker.rerank(QUERIES, candidates(*names))
    texts = {d.id: d.text for d in DOCUMENTS}
    for query, text in QUERIES.items():
        q, ds = Letters().encode_queries([text]).values[0], Letters().encode_queries([texts[n] for n in names]).values
        expected = {
            n: sum(float(a) * float(b) for a, b in zip(q, d, strict=True)) for n, d in zip(names, ds, strict=True)
        }
        found = dict(zip(run[query].documents, run[query].scores.tolist(), strict=True))
        assert set(found) == set(names)
        assert found == pytest.approx(expected, abs=1e-5)


def test_all_documents_as_candidates_equal_exact_search_and_share_its_encoding(corpus, store):
    retriever, reranker = VectorRetriever(Letters(), FlatIndex()), DenseReranker(Letters())
    retriever.build(corpus, store)
    reranker.build(corpus, store)
    assert (retriever.encoder.encoded, reranker.encoder.encoded) == ([60], [])
    everything = reranker.rerank(QUERIES, candidates(*(d.id for d in DOCUMENTS)))
    exact = retriever.search(QUERIES, 60)
    for query in QUERIES:
        np.testing.assert_allclose(everything[query].scores, exact[query].scores, atol=1e-5)


def test_a_query_without_candidates_has_an_empty_ranking(corpus, store):
    reranker = DenseReranker(Letters())
    reranker.build(corpus, store)
    run = reranker.rerank(QUERIES, Run.of({"q1": {"d1": 1.0}, "q2": {}}))
    assert [len(run[q]) for q in QUERIES] == [1, 0, 0]
    assert len(reranker.rerank({}, Run.of({}))) == 0


def test_only_the_candidates_rows_are_read(corpus, store):
    class Watched:
        def __init__(self, values):
            self.values, self.read = values, 0

        def __getitem__(self, rows):
            self.read += len(rows)
            return self.values[rows]

    reranker = DenseReranker(Letters())
    reranker.build(corpus, store)
    watched = Watched(reranker._documents.values)
    reranker._documents = Dense(watched)
    reranker.rerank(QUERIES, candidates("d1", "d2"))
    assert watched.read == 2 * len(QUERIES)


def test_a_candidate_from_elsewhere_is_an_error(corpus, store):
    reranker = DenseReranker(Letters())
    reranker.build(corpus, store)
    with pytest.raises(InputError, match="document 'elsewhere' is not in the corpus"):
        reranker.rerank(QUERIES, candidates("d1", "elsewhere"))


def test_other_vectors_are_refused_at_construction():
    with pytest.raises(InputError, match="takes Dense vectors, but Words gives Sparse"):
        DenseReranker(Words())


def test_rerank_before_build_is_an_error():
    with pytest.raises(InputError, match="before build"):
        DenseReranker(Letters()).rerank(QUERIES, candidates("d1"))


def test_rows_are_found_also_where_hashes_are_equal(monkeypatch):
    monkeypatch.setattr(encoding, "hash", lambda name: len(name), raising=False)
    names = ["a", "bb", "c", "dd", "e", "ä", "", "fff"]
    finder = RowFinder(Strings.of(names))
    assert finder(list(reversed(names))).tolist() == list(reversed(range(8)))
    assert finder([]).tolist() == []
    for absent in ("z", "zz", "gggg"):
        with pytest.raises(InputError, match=absent):
            finder([absent])
