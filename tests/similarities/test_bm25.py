"""The five BM25s against their formulas in double precision and against bm25s; Lucene's lengths against its table."""

from __future__ import annotations

import math

import bm25s
import numpy as np
import pytest

from ir_bench.indexes.inverted import InvertedIndex
from ir_bench.similarities.atire import AtireBM25
from ir_bench.similarities.bm25l import BM25L
from ir_bench.similarities.bm25plus import BM25Plus
from ir_bench.similarities.lucene import LuceneBM25, stored_lengths
from ir_bench.similarities.robertson import RobertsonBM25
from ir_bench.types import Sparse, Strings

K1, B, DELTA = 1.3, 0.6, 0.7
SIMILARITIES = {
    "robertson": RobertsonBM25(K1, B),
    "lucene": LuceneBM25(K1, B),
    "atire": AtireBM25(K1, B),
    "bm25l": BM25L(K1, B, DELTA),
    "bm25+": BM25Plus(K1, B, DELTA),
}


@pytest.fixture(scope="module")
def texts() -> list[list[str]]:
    """300 texts of 1 to 39 words (so short that Lucene's byte keeps their lengths), two of them empty."""
    generator = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(60)])
    rates = 1 / np.arange(1, 61)
    return [generator.choice(words, generator.integers(1, 40), p=rates / rates.sum()).tolist() for _ in range(300)]


QUERIES = [["w0"], ["w3", "w17"], ["w5", "w5", "w40"], ["w1", "w2", "w9", "w9", "w9", "nowhere"], ["w59", "w58"]]


def bags(texts: list[list[str]]) -> Sparse:
    numbers: dict[str, int] = {}
    terms, counts, offsets = [], [], [0]
    for text in texts:
        for word in dict.fromkeys(text):
            terms.append(numbers.setdefault(word, len(numbers)))
            counts.append(text.count(word))
        offsets.append(len(terms))
    return Sparse(np.array(terms, np.int32), np.array(counts, np.float32), np.array(offsets), Strings.of(numbers))


def formula(method: str, tf: int, length: int, average: float, n: int, documents: int) -> float:
    """Kamphuis et al. 2020, Table 1, written out."""
    norm = 1 - B + B * length / average
    if method == "robertson":
        return math.log(max(1, (documents - n + 0.5) / (n + 0.5))) * tf / (tf + K1 * norm)
    if method == "lucene":
        return math.log(1 + (documents - n + 0.5) / (n + 0.5)) * tf / (tf + K1 * norm)
    if method == "atire":
        return math.log(documents / n) * (K1 + 1) * tf / (tf + K1 * norm)
    if method == "bm25l":
        return math.log((documents + 1) / (n + 0.5)) * (K1 + 1) * (tf / norm + DELTA) / (K1 + tf / norm + DELTA)
    return math.log((documents + 1) / n) * ((K1 + 1) * tf / (tf + K1 * norm) + DELTA)


@pytest.mark.parametrize("method", SIMILARITIES)
def test_scores_are_the_formulas(method, texts):
    index = InvertedIndex(SIMILARITIES[method])
    index.build(bags(texts))
    hits = index.search(bags(QUERIES), len(texts))
    average = sum(map(len, texts)) / len(texts)
    for query, rows, scores in zip(QUERIES, hits.rows, hits.scores, strict=True):
        known = [w for w in query if any(w in text for text in texts)]
        found = rows[rows >= 0]
        assert set(found) == {i for i, text in enumerate(texts) if set(query) & set(text)}
        expected = [
            sum(
                formula(method, texts[i].count(w), len(texts[i]), average, sum(w in t for t in texts), len(texts))
                for w in known
            )
            for i in found
        ]
        np.testing.assert_allclose(scores[: len(found)], expected, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("method", SIMILARITIES)
def test_scores_are_those_of_bm25s(method, texts):
    index = InvertedIndex(SIMILARITIES[method])
    documents = bags(texts)
    index.build(documents)
    theirs = bm25s.BM25(method=method, k1=K1, b=B, delta=DELTA)
    theirs.index(texts, show_progress=False)
    hits = index.search(bags(QUERIES), len(texts))
    for query, rows, scores in zip(QUERIES, hits.rows, hits.scores, strict=True):
        found = rows >= 0
        expected = theirs.get_scores([w for w in query if w in theirs.vocab_dict])
        np.testing.assert_allclose(scores[found], expected[rows[found]], rtol=1e-5, atol=1e-5)


def test_lucene_keeps_lengths_in_one_byte():
    # What comes back from Lucene's SmallFloat.intToByte4 and byte4ToInt.
    lengths = np.array([0, 1, 23, 24, 39, 40, 41, 57, 100, 151, 256, 300, 500, 1000, 2_147_483_647])
    stored = [0, 1, 23, 24, 39, 40, 40, 56, 96, 144, 248, 280, 472, 984, 2_013_265_944]
    assert stored_lengths(lengths).tolist() == stored


def test_lucene_leaves_empty_documents_out_of_its_statistics():
    full, empty = [["a", "b"], ["a"], ["b", "c", "c"]], [[], []]
    first, second = InvertedIndex(LuceneBM25()), InvertedIndex(LuceneBM25())
    first.build(bags(full))
    second.build(bags(full + empty))
    query = bags([["a", "c"]])
    np.testing.assert_array_equal(first.search(query, 3).scores, second.search(query, 3).scores)


def test_two_documents_worked_by_hand():
    # N = 2, n = 1, A = 2, tf = 1, L = 2: ln(1 + 1.5 / 1.5) · 1 / (1 + 0.9) = 0.6931 / 1.9
    index = InvertedIndex(LuceneBM25(k1=0.9, b=0.4))
    index.build(bags([["a", "b"], ["c", "d"]]))
    hits = index.search(bags([["a"]]), 2)
    assert hits.rows.tolist() == [[0, -1]]
    assert hits.scores[0, 0] == pytest.approx(0.364814, abs=1e-6)


@pytest.mark.parametrize("similarity", SIMILARITIES.values())
def test_a_collection_of_empty_documents_answers_nothing(similarity):
    index = InvertedIndex(similarity)
    index.build(Sparse(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(4, np.int64), Strings.of([])))
    assert index.search(bags([["a"]]), 5).rows.tolist() == [[-1, -1, -1]]
