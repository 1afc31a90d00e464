"""Token vectors asked for before the lists are done: the same ranking as in memory, and what is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.ahead import BLOCK, ask_for, place
from ir_bench.errors import InputError
from ir_bench.indexes.faiss_factory import FaissFactoryIndex
from ir_bench.rerankers.maxsim import MaxSimReranker
from ir_bench.retrievers.prefetched import Prefetched
from ir_bench.retrievers.reranked import Reranked
from ir_bench.retrievers.vector import VectorRetriever
from ir_bench.types import Corpus, Dense, Document, MultiVector

TABLE = np.random.default_rng(0).standard_normal((30, 16)).astype(np.float32)


@dataclass
class Words:
    """A fixed vector a word."""

    produces: ClassVar[type] = MultiVector

    def fit(self, corpus: Corpus) -> None: ...

    def encode_documents(self, texts) -> MultiVector:
        rows = [[int(w[1:]) for w in t.split()] for t in texts]
        return MultiVector(TABLE[[i for row in rows for i in row]], np.cumsum([0, *map(len, rows)]))

    encode_queries = encode_documents


@dataclass
class Sums:
    """The sum of those of a text."""

    produces: ClassVar[type] = Dense

    def fit(self, corpus: Corpus) -> None: ...

    def encode_documents(self, texts) -> Dense:
        rows = [sum((TABLE[int(w[1:])] for w in t.split()), np.zeros(16, np.float32)) for t in texts]
        return Dense(np.array(rows, np.float32).reshape(-1, 16))

    encode_queries = encode_documents


random = np.random.default_rng(1)
DOCUMENTS = [
    Document(f"d{i:03}", " ".join(random.choice([f"w{j}" for j in range(30)], 1 + i % 12))) for i in range(200)
]
QUERIES = {"q1": "w1 w2 w3", "q2": "w9", "q4": "w4 w5 w4 w29 w11"}
CORPUS = Corpus("words", "words-1", lambda: iter(DOCUMENTS), len(DOCUMENTS))


def lists(nprobe: int = 6) -> FaissFactoryIndex:
    return FaissFactoryIndex("IVF12,Flat", nprobe=nprobe, threads=1)


def built(store, **settings):
    settings = {"index": lists(), "candidates": 40, "reranked": 10, **settings}
    retriever = Prefetched(Sums(), tokens=Words(), **settings)
    retriever.build(CORPUS, store)
    return retriever


@pytest.mark.parametrize("early", [0.1, 0.3, 1.0])
def test_its_best_are_those_of_reranking_in_memory_and_the_rest_follow(store, early):
    found = built(store, early=early).search(QUERIES, 40)
    first = VectorRetriever(Sums(), lists())
    stages = Reranked(first, MaxSimReranker(Words()), depth=10)
    stages.build(CORPUS, store)
    assert found.top(10) == stages.search(QUERIES, 10)
    listed = first.search(QUERIES, 40)
    for query in QUERIES:
        best = set(found[query].documents[:10])
        assert list(found[query].documents[10:]) == [d for d in listed[query].documents if d not in best]
        assert (np.diff(found[query].scores[9:]) < 0).all()


def test_everything_reranked_is_the_whole_ranking_in_memory(store):
    found = built(store, reranked=40).search(QUERIES, 40)
    stages = Reranked(VectorRetriever(Sums(), lists()), MaxSimReranker(Words()), depth=40)
    stages.build(CORPUS, store)
    assert found == stages.search(QUERIES, 40)


def test_what_is_asked_for_is_counted(store):
    width = TABLE[0].nbytes
    words = {d.id: len(d.text.split()) for d in DOCUMENTS}
    counted = {}
    for early in (0.01, 0.5, 1):
        retriever = built(store, early=early)
        with cost.ledger() as notes:
            found = retriever.search(QUERIES, 40).top(10)
        counted[early] = notes
        needed = sum(words[d] for ranking in found.rankings.values() for d in ranking.documents)
        assert notes["needed_documents"] == 30
        assert notes["prefetched_documents"] <= 30
        first, _ = retriever.index.in_two_steps(Sums().encode_queries(list(QUERIES.values())), 40, early)
        early_rows = [{f"d{row:03}" for row in rows[rows >= 0][:10].tolist()} for rows in first.rows]
        both = [rows & set(r.documents) for rows, r in zip(early_rows, found.rankings.values(), strict=True)]
        assert notes["prefetch_hits"] == sum(map(len, both))
        assert notes["prefetched_bytes"] == width * sum(words[d] for rows in early_rows for d in rows)
        assert notes["missed_bytes"] == width * (needed - sum(words[d] for rows in both for d in rows))
    assert counted[1]["prefetch_hits"] == 30
    assert counted[1]["missed_blocks"] == counted[1]["missed_bytes"] == 0
    assert counted[0.01]["prefetch_hits"] < 30  # one list of six
    assert counted[0.01]["documents_compared"] == counted[1]["documents_compared"]  # no list is visited twice


def test_token_vectors_stay_on_disk_and_are_asked_for_there(store, monkeypatch):
    retriever = built(store)
    values = retriever._second._documents.values
    assert isinstance(values, np.memmap)
    asked = []
    monkeypatch.setattr("ir_bench.ahead.place", lambda values: asked.append(values) or place(values))
    retriever.search({"q1": "w1 w2 w3"}, 5)
    assert len(asked) >= 10  # once a document to be reranked
    assert all(one is values for one in asked)


def test_lists_in_two_steps_are_the_lists_in_one():
    vectors = Dense(np.random.default_rng(2).standard_normal((300, 8)).astype(np.float32))
    queries = Dense(vectors.values[:7] + 0.1)
    for nprobe in (1, 5, 12, 40):
        index = lists(nprobe)
        index.build(vectors)
        expected = index.search(queries, 30)
        for share in (0.01, 0.3, 0.99, 1):
            begun, finish = index.in_two_steps(queries, 30, share)
            found = finish()
            np.testing.assert_array_equal(found.rows, expected.rows)
            np.testing.assert_array_equal(found.scores, expected.scores)
            assert (begun.rows[:, 0] >= 0).any()
        np.testing.assert_array_equal(index.search(queries, 30).rows, expected.rows)  # its settings are as they were


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_blocks_are_those_that_the_bytes_lie_in(first, second):
    start, stop = sorted((first, second))
    values = np.zeros((3000, 5), np.float16)
    expected = {byte // BLOCK for byte in range(start * 10, stop * 10)}
    assert ask_for(values, start, stop) == len(expected)


def test_rows_are_found_in_the_file_that_is_mapped(tmp_path):
    np.save(tmp_path / "values.npy", np.arange(40_000, dtype=np.float32).reshape(-1, 4))
    values = np.load(tmp_path / "values.npy", mmap_mode="r")
    assert ask_for(values, 300, 600) == 2  # bytes 4800 to 9600
    assert ask_for(values, 9_999, 10_000) == 1
    for part in (values, values[17:]):
        at = place(part)
        assert part._mmap[at + 4800 : at + 9600] == part[300:600].tobytes()


def test_hostile_settings_are_told(store):
    with pytest.raises(InputError, match="has no lists"):
        Prefetched(Sums(), FaissFactoryIndex("Flat"), Words())
    with pytest.raises(InputError, match="early=0 of the lists"):
        Prefetched(Sums(), lists(), Words(), early=0)
    with pytest.raises(InputError, match="takes MultiVector vectors"):
        Prefetched(Sums(), lists(), Sums())
    flat = FaissFactoryIndex("Flat")
    flat.build(Dense(np.eye(4, dtype=np.float32)))
    with pytest.raises(InputError, match="has no lists"):
        flat.in_two_steps(Dense(np.eye(4, dtype=np.float32)), 2, 0.5)
