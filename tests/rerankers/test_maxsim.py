"""MaxSim rescoring against float64 loops, and that it reads the candidates' tokens alone."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass, field
from typing import ClassVar

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ir_bench import cost
from ir_bench.encoders.lexical import LexicalEncoder
from ir_bench.errors import InputError
from ir_bench.fingerprint import fingerprint
from ir_bench.indexes.maxsim import MaxSimIndex
from ir_bench.kernels import maxsim as kernel
from ir_bench.kernels.ball_carving import carved
from ir_bench.kernels.maxsim import pair_scores, quantised
from ir_bench.rerankers.maxsim import MaxSimReranker, _write_int8
from ir_bench.retrievers.vector import VectorRetriever
from ir_bench.types import Corpus, Document, MultiVector, Run


def vectors(lengths, dims: int, seed: int = 0, dtype: type = np.float32) -> MultiVector:
    values = np.random.default_rng(seed).standard_normal((sum(lengths), dims))
    values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)
    return MultiVector(values.astype(dtype), np.cumsum([0, *lengths]))


def by_hand(queries: MultiVector, documents: MultiVector, query: int, row: int) -> float:
    q, d = queries.row(query).astype(np.float64), documents.row(row).astype(np.float64)
    return (q[:, None] * d).sum(axis=2).max(axis=1).sum() if len(q) and len(d) else -np.inf


@dataclass
class Counted:
    """A token per word: its length, its vowels, and where it is; how many texts were encoded is kept."""

    produces: ClassVar[type] = MultiVector
    encoded: list[int] = field(default_factory=list, init=False, repr=False, compare=False)

    def fit(self, corpus: Corpus) -> None: ...

    def encode_documents(self, texts) -> MultiVector:
        self.encoded.append(len(texts))
        found = self.encode_queries(texts)
        return MultiVector(found.values.astype(np.float16), found.offsets)

    def encode_queries(self, texts) -> MultiVector:
        rows = [[[len(w), sum(c in "aeiou" for c in w), i % 3] for i, w in enumerate(t.split())] for t in texts]
        values = np.array([row for some in rows for row in some], np.float32).reshape(-1, 3)
        return MultiVector(values / 4, np.cumsum([0, *map(len, rows)]))


DOCUMENTS = [Document(f"d{i}", " ".join("abcde"[: 1 + (i * j) % 5] for j in range(i % 9))) for i in range(40)]
QUERIES = {"q1": "abc a", "q2": "e abcde ab", "empty": "", "q3": "a"}


@pytest.fixture
def corpus() -> Corpus:
    return Corpus("words", "words-1", lambda: iter(DOCUMENTS), len(DOCUMENTS))


def everything() -> Run:
    return Run.of({query: {d.id: 1.0 for d in DOCUMENTS} for query in QUERIES})


LENGTHS = st.lists(st.integers(0, 7), min_size=1, max_size=8)


@hypothesis.settings(max_examples=40)
@given(LENGTHS, LENGTHS, st.integers(1, 9), st.sampled_from([np.float32, np.float16]), st.integers(1, 3), st.data())
def test_pairs_score_as_by_float64_loops(query_lengths, lengths, dims, dtype, threads, data):
    queries, documents = vectors(query_lengths, dims, 1), vectors(lengths, dims, 2, dtype)
    pairs = data.draw(st.lists(st.tuples(*(st.integers(0, len(v) - 1) for v in (queries, documents))), max_size=20))
    asked, rows = (np.array([p[i] for p in pairs], np.int64) for i in range(2))
    scores = pair_scores(queries, documents, asked, rows, threads=threads)
    expected = [by_hand(queries, documents, *pair) for pair in pairs]
    np.testing.assert_allclose(scores, np.array(expected, np.float32), atol=1e-5)


def test_documents_longer_than_a_block_and_of_ten_thousand_tokens():
    documents = vectors([10_000, 1, 0, kernel.TOKENS, kernel.TOKENS + 1], 8, dtype=np.float16)
    queries = vectors([3, 1], 8, 5)
    asked, rows = np.repeat([0, 1], 5), np.tile(np.arange(5), 2)
    expected = [by_hand(queries, documents, q, r) for q, r in zip(asked, rows, strict=True)]
    np.testing.assert_allclose(pair_scores(queries, documents, asked, rows), expected, atol=1e-5)
    values, scales = quantised(documents.values)
    rounded = pair_scores(queries, MultiVector(values, documents.offsets), asked, rows, scales)
    np.testing.assert_allclose(rounded, expected, atol=0.05)


@given(arrays.arrays(np.uint16, (3, 5)))
def test_every_half_precision_number_is_converted_exactly(bits):
    into = np.empty((4, 5), np.uint32)
    finite = kernel.half_to_single(bits, into, into.view(np.float32))
    expected = bits.view(np.float16).astype(np.float32)
    assert finite == np.isfinite(expected).all()
    if finite:
        np.testing.assert_array_equal(into[:3], expected.view(np.uint32))


def test_int8_scales_each_token_before_the_largest_is_taken():
    # the second token has the larger product, the first the larger whole numbers
    documents = MultiVector(np.array([[0.1, 0.1], [5.0, 0.0]], np.float32), np.array([0, 2]))
    values, scales = quantised(documents.values)
    assert values.tolist() == [[127, 127], [127, 0]]
    np.testing.assert_allclose(scales, [0.1 / 127, 5 / 127], rtol=1e-6)
    queries = MultiVector(np.array([[1.0, 1.0]], np.float32), np.array([0, 1]))
    scores = pair_scores(queries, MultiVector(values, documents.offsets), np.array([0]), np.array([0]), scales)
    assert scores[0] == pytest.approx(5.0, rel=1e-5)


def test_int8_is_exact_for_whole_numbers_that_reach_127():
    random = np.random.default_rng(3)
    values = random.integers(-127, 128, (30, 16)).astype(np.float32)
    values[:, 0] = 127
    queries, documents = MultiVector(values[:7], np.array([0, 3, 7])), MultiVector(values, np.array([0, 10, 10, 30]))
    numbers, scales = quantised(values)
    asked, rows = np.repeat([0, 1], 3), np.tile(np.arange(3), 2)
    exact = pair_scores(queries, documents, asked, rows)
    np.testing.assert_array_equal(
        pair_scores(queries, MultiVector(numbers, documents.offsets), asked, rows, scales), exact
    )


def test_int8_documents_without_tokens_beside_each_other_have_no_score():
    queries, documents = vectors([2], 3, 1), vectors([0, 4, 0, 0], 3, 2)
    values, scales = quantised(documents.values)
    small = MultiVector(values, documents.offsets)
    for rows in ([0, 2, 3], [0, 1, 2, 3], []):
        scores = pair_scores(queries, small, np.zeros(len(rows), np.int64), np.array(rows, np.int64), scales)
        assert [row for row, score in zip(rows, scores, strict=True) if score != -np.inf] == [r for r in rows if r == 1]


@hypothesis.settings(max_examples=80)
@given(st.lists(st.integers(0, 7), min_size=1, max_size=4), st.integers(1, 20), st.integers(1, 3), st.data())
def test_int8_scores_of_a_pair_do_not_depend_on_the_pairs_beside_it(query_lengths, dims, threads, data):
    lengths = st.sampled_from([0, 1, 3, kernel.TOKENS, kernel.COPIED - 1, kernel.COPIED, kernel.COPIED + 1])
    documents = vectors(data.draw(st.lists(lengths, min_size=1, max_size=8)), dims, 2)
    queries = vectors(query_lengths, dims, 1)
    pairs = data.draw(st.lists(st.tuples(*(st.integers(0, len(v) - 1) for v in (queries, documents))), max_size=20))
    asked, rows = (np.array([p[i] for p in pairs], np.int64) for i in range(2))
    values, scales = quantised(documents.values)
    small = MultiVector(values, documents.offsets)
    scores = pair_scores(queries, small, asked, rows, scales, threads)
    alone = [pair_scores(queries, small, asked[i : i + 1], rows[i : i + 1], scales)[0] for i in range(len(rows))]
    assert scores.tolist() == alone
    rounded = MultiVector(values * scales[:, None], documents.offsets)  # and by float64 loops, up to the rounding
    expected = np.array([by_hand(queries, rounded, *pair) for pair in pairs])
    np.testing.assert_allclose(scores, expected.astype(np.float32), atol=0.02 * dims)


@given(st.integers(0, 12), st.floats(-1, 1), st.integers(0, 99))
def test_ball_carving_keeps_the_sum_and_never_raises_a_score(tokens, least, seed):
    queries, documents = vectors([tokens, 2], 4, seed), vectors([1, 5, 9], 4, seed + 1)
    few = carved(queries, least)
    for i in range(2):
        np.testing.assert_allclose(few.row(i).sum(axis=0), queries.row(i).sum(axis=0), atol=1e-5)
    asked, rows = np.repeat([0, 1], 3), np.tile(np.arange(3), 2)
    before, after = (pair_scores(q, documents, asked, rows) for q in (queries, few))
    assert (after <= before + 1e-4).all()


def test_ball_carving_above_every_inner_product_changes_nothing():
    queries = vectors([5, 0, 3], 6)
    same = carved(queries, 1.5)
    np.testing.assert_array_equal(same.values, queries.values)
    np.testing.assert_array_equal(same.offsets, queries.offsets)
    alike = MultiVector(np.array([[1, 0], [0, 1], [0.8, 0.6]], np.float32), np.array([0, 3]))
    np.testing.assert_allclose(carved(alike, 0.7).values, [[1.8, 0.6], [0, 1]])


def test_all_candidates_equal_exact_search_and_share_its_encoding(corpus, store):
    retriever, reranker = VectorRetriever(Counted(), MaxSimIndex(), documents_per_shard=16), MaxSimReranker(Counted())
    retriever.build(corpus, store)
    reranker.build(corpus, store)
    assert (retriever.encoder.encoded, reranker.encoder.encoded) == ([16, 16, 8], [])
    run, exact = reranker.rerank(QUERIES, everything()), retriever.search(QUERIES, 40)
    for query in QUERIES:
        assert list(run[query].documents) == list(exact[query].documents)
        np.testing.assert_allclose(run[query].scores, exact[query].scores, atol=1e-5)
    assert len(run["empty"]) == 0
    assert len(run["q1"]) == 40 - 5  # five documents have no tokens


def test_int8_tokens_are_made_once_and_score_closely(corpus, store):
    exact, small = MaxSimReranker(Counted()), MaxSimReranker(Counted(), storage="int8", threads=2)
    exact.build(corpus, store)
    with cost.ledger() as notes:
        small.build(corpus, store)
    tokens = sum(i % 9 for i in range(40))
    assert notes["token_bytes"] == tokens * (3 + 4)
    again = MaxSimReranker(Counted(), storage="int8")
    again.build(corpus, store)
    ours, theirs = small.rerank(QUERIES, everything()), exact.rerank(QUERIES, everything())
    assert again.rerank(QUERIES, everything()) == ours
    for query in ("q1", "q2", "q3"):
        a, b = ours.scored()[query], theirs.scored()[query]
        assert a == pytest.approx(b, rel=0.02, abs=0.02)
    assert fingerprint(small) != fingerprint(exact)
    assert fingerprint(MaxSimReranker(Counted(), threads=3)) == fingerprint(exact)


def test_int8_equals_exact_search_in_int8_bit_for_bit(corpus, store):
    retriever, reranker = VectorRetriever(Counted(), MaxSimIndex(storage="int8")), MaxSimReranker(Counted(), "int8")
    retriever.build(corpus, store)
    reranker.build(corpus, store)
    assert reranker.rerank(QUERIES, everything()) == retriever.search(QUERIES, 40)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_int8_names_the_document_that_it_cannot_round(value, tmp_path, monkeypatch):
    monkeypatch.setattr(kernel, "CONVERTED_AT_ONCE", 2)
    documents = vectors([2, 0, 3, 1], 4)
    documents.values[3, 1] = value
    with pytest.raises(InputError, match="a vector of document 2 has NaN or infinite values"):
        _write_int8(documents, tmp_path)


def test_only_the_candidates_tokens_are_read_each_once(corpus, store):
    reranker = MaxSimReranker(Counted())
    reranker.build(corpus, store)
    documents = reranker._documents
    wrong = np.full_like(documents.values, np.nan)
    for row in (4, 7):
        a, b = documents.offsets[row], documents.offsets[row + 1]
        wrong[a:b] = documents.values[a:b]
    reranker._documents = MultiVector(wrong, documents.offsets)
    with cost.ledger() as notes:
        run = reranker.rerank(QUERIES, Run.of({query: {"d7": 2.0, "d4": 1.0} for query in ("q1", "q2")}))
    assert {query: len(run[query]) for query in QUERIES} == {"q1": 2, "q2": 2, "empty": 0, "q3": 0}
    assert notes["documents_scored"] == 4
    assert notes["tokens_scored"] == 2 * (4 + 7)
    assert notes["read_bytes"] == (4 + 7) * 3 * 2


def test_memory_does_not_grow_with_the_candidates():
    documents, queries = vectors([200] * 60, 64, dtype=np.float16), vectors([8], 64, 1)
    peaks = []
    for count in (2, 60):
        rows = np.arange(count)
        pair_scores(queries, documents, np.zeros(count, np.int64), rows)
        tracemalloc.start()
        pair_scores(queries, documents, np.zeros(count, np.int64), rows)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 200 * 64 * 2  # less than one document


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_vectors_that_are_not_finite_are_named(corpus, store, dtype, value):
    reranker = MaxSimReranker(Counted())
    reranker.build(corpus, store)
    values = reranker._documents.values.astype(dtype)
    values[reranker._documents.offsets[8], 1] = value
    reranker._documents = MultiVector(values, reranker._documents.offsets)
    with pytest.raises(InputError, match="a vector of document 8 has NaN or infinite values"):
        reranker.rerank(QUERIES, everything())
    few = reranker.rerank(QUERIES, Run.of({"q1": {"d7": 1.0}}))  # not one of the candidates
    assert len(few["q1"]) == 1
    good = MultiVector(np.ones((1, 3), dtype), np.array([0, 1]))
    bad = MultiVector(np.full((1, 3), value, np.float32), np.array([0, 1]))
    with pytest.raises(InputError, match="a vector of query 0"):
        reranker.rescore({"q": "x"}, bad, Run.of({"q": {"d7": 1.0}}))
    assert len(reranker.rescore({"q": "x"}, good, Run.of({"q": {"d7": 1.0}}))["q"]) == 1


def test_queries_of_other_dimensions_are_an_error(corpus, store):
    reranker = MaxSimReranker(Counted())
    reranker.build(corpus, store)
    other = MultiVector(np.ones((1, 4), np.float32), np.array([0, 1]))
    with pytest.raises(InputError, match="queries have 4 dimensions, the documents 3"):
        reranker.rescore({"q": "x"}, other, Run.of({"q": {"d7": 1.0}}))


def test_a_candidate_from_elsewhere_is_an_error(corpus, store):
    reranker = MaxSimReranker(Counted())
    reranker.build(corpus, store)
    with pytest.raises(InputError, match="document 'elsewhere' is not in the corpus"):
        reranker.rerank(QUERIES, Run.of({"q1": {"elsewhere": 1.0}}))


def test_other_vectors_are_refused_at_construction():
    with pytest.raises(InputError, match="takes MultiVector vectors, but LexicalEncoder gives Sparse"):
        MaxSimReranker(LexicalEncoder(None))
    with pytest.raises(InputError, match="stored as 'int4'"):
        MaxSimReranker(Counted(), storage="int4")


def test_rerank_before_build_is_an_error():
    with pytest.raises(InputError, match="before build"):
        MaxSimReranker(Counted()).rerank(QUERIES, everything())
