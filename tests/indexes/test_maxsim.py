"""The exhaustive MaxSim index against three float64 loops and sentence-transformers' own scores."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.encoders.lexical import LexicalEncoder
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe, fingerprint
from ir_bench.indexes import maxsim
from ir_bench.indexes.maxsim import MaxSimIndex
from ir_bench.kernels import maxsim as kernel
from ir_bench.kernels import maxsim_torch
from ir_bench.kernels.half import single
from ir_bench.kernels.maxsim import pair_scores, quantised
from ir_bench.retrievers.vector import VectorRetriever
from ir_bench.scoring import maxsim as all_scores
from ir_bench.types import Hits, MultiVector, Strings


def vectors(lengths: list[int], dims: int, random: np.random.Generator, dtype: type = np.float32) -> MultiVector:
    values = random.integers(-2, 3, (sum(lengths), dims))  # small whole numbers: many ties, exact sums
    return MultiVector(values.astype(dtype), np.cumsum([0, *lengths]))


def by_hand(queries: MultiVector, documents: MultiVector, k: int) -> list[list[tuple[int, float]]]:
    """Best k of each query as (row, score), equal scores by ascending row; texts without tokens match nothing."""
    found = []
    for i in range(len(queries)):
        scores = []
        for j in range(len(documents)):
            if len(queries.row(i)) and len(documents.row(j)):
                pairs = [[sum(map(float, q * d)) for d in documents.row(j)] for q in queries.row(i).astype(float)]
                scores.append((j, sum(map(max, pairs))))
        found.append(sorted(scores, key=lambda hit: (-hit[1], hit[0]))[:k])
    return found


def pairs(hits: Hits) -> list[list[tuple[int, float]]]:
    return [
        [(r, s) for r, s in zip(rows, scores, strict=True) if r >= 0]
        for rows, scores in zip(hits.rows.tolist(), hits.scores.tolist(), strict=True)
    ]


def built(documents: MultiVector, **settings) -> MaxSimIndex:
    index = MaxSimIndex(**settings)
    index.build(documents)
    return index


LENGTHS = st.lists(st.integers(0, 3), min_size=0, max_size=12)
TORCH = "cpu:0"  # the processor as torch numbers it: what an accelerator does, where there is none
DEVICES = pytest.mark.parametrize(
    "device",
    ["cpu", TORCH, pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"))],
)


@DEVICES
@given(
    queries=LENGTHS,
    documents=LENGTHS,
    k=st.integers(1, 15),
    dtype=st.sampled_from([np.float32, np.float16]),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_three_loops_with_ties_by_row_across_blocks(device, queries, documents, k, dtype, seed):
    random = np.random.default_rng(seed)
    q, d = vectors(queries, 2, random), vectors(documents, 2, random, dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maxsim, "ROWS", 5)
        patch.setattr(maxsim, "QUERIES", 3)
        hits = built(d, device=device).search(q, k)
    assert pairs(hits) == by_hand(q, d, k)
    assert hits.rows.shape[1] <= k
    missing = hits.rows < 0
    assert (np.diff(missing.astype(int), axis=1) >= 0).all()  # padding comes last


def test_equals_sentence_transformers():
    from sentence_transformers.util import maxsim as theirs

    random = np.random.default_rng(1)
    lengths = random.integers(1, 40, 60)
    d = MultiVector(random.standard_normal((lengths.sum(), 32), dtype=np.float32), np.cumsum([0, *lengths]))
    q = MultiVector(random.standard_normal((21, 32), dtype=np.float32), np.array([0, 4, 21]))
    tensors = [[torch.from_numpy(v.row(i)) for i in range(len(v))] for v in (q, d)]
    expected = theirs(*tensors).numpy()
    hits = built(d).search(q, 60)
    np.testing.assert_allclose(hits.scores, np.take_along_axis(expected, hits.rows, 1), rtol=1e-5, atol=1e-5)


def test_one_query_scores_as_in_a_batch_and_threads_change_nothing():
    random = np.random.default_rng(2)
    d, q = (MultiVector(random.standard_normal((n, 16), dtype=np.float32), np.arange(0, n + 1, 5)) for n in (500, 100))
    together = built(d).search(q, 20)
    for i in range(len(q)):
        alone = built(d, threads=1).search(q[i : i + 1], 20)
        np.testing.assert_allclose(alone.scores[0], together.scores[i], atol=1e-5)
    assert fingerprint(MaxSimIndex(threads=1)) == fingerprint(MaxSimIndex())


def test_a_device_changes_no_result():
    random = np.random.default_rng(3)
    d, q = (MultiVector(random.standard_normal((n, 16), dtype=np.float32), np.arange(0, n + 1, 5)) for n in (500, 100))
    expected = built(d).search(q, 20)
    hits = built(d, device=TORCH).search(q, 20)
    np.testing.assert_array_equal(hits.rows, expected.rows)
    np.testing.assert_allclose(hits.scores, expected.scores, rtol=1e-5)
    assert (hits.rows.dtype, hits.scores.dtype) == (np.int64, np.float32)
    assert fingerprint(MaxSimIndex(device="cuda")) == fingerprint(MaxSimIndex())


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_without_an_accelerator_numpy_computes(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(maxsim_torch, "maxsim", lambda *_: pytest.fail("torch computed"))
    vectors = MultiVector(np.eye(3), np.arange(4))
    assert built(vectors, device=device).search(vectors, 1).rows.tolist() == [[0], [1], [2]]


def test_a_device_that_is_not_there_is_an_error():
    with pytest.raises(InputError, match="torch has no device 'cuda:99'"):
        built(MultiVector(np.eye(3), np.arange(4)), device="cuda:99")


@DEVICES
def test_memory_mapped_half_precision_documents_are_scored_in_float32(device, tmp_path):
    values = np.array([[60000.0, 60000.0], [1.0, 0.0]], np.float16)  # a float16 product would overflow
    np.save(tmp_path / "values.npy", values)
    documents = MultiVector(np.load(tmp_path / "values.npy", mmap_mode="r"), np.array([0, 1, 2]))
    hits = built(documents, device=device).search(MultiVector(np.ones((1, 2), np.float32), np.array([0, 1])), 2)
    assert hits.scores.tolist() == [[119936.0 + 64.0, 1.0]]  # 60000 is 59968 + 32 in steps of 32: exact


def test_half_precision_is_converted_exactly():
    every = np.arange(65536, dtype=np.uint16).view(np.float16)
    np.testing.assert_array_equal(single(every), every.astype(np.float32))
    assert single(every).dtype == np.float32
    whole = np.ones((2, 3), np.float32)
    assert single(whole) is whole


@DEVICES
def test_empty_documents_and_queries_have_no_hits(device):
    documents = MultiVector(np.ones((2, 3), np.float32), np.array([0, 0, 2, 2]))
    queries = MultiVector(np.ones((1, 3), np.float32), np.array([0, 0, 1]))
    index = built(documents, device=device)
    assert index.search(queries, 3).rows.tolist() == [[-1, -1, -1], [1, -1, -1]]
    assert index.search(queries[:0], 3).rows.shape[0] == 0


@pytest.mark.parametrize("k", [0, -1, True, 1.5])
def test_k_below_one_is_an_error(k):
    with pytest.raises(InputError, match="number of hits"):
        built(MultiVector(np.eye(3), np.arange(4))).search(MultiVector(np.eye(3), np.arange(4)), k)


def test_other_dimensions_are_an_error():
    with pytest.raises(InputError, match="queries have 4 dimensions, the documents 3"):
        built(MultiVector(np.eye(3), np.arange(4))).search(MultiVector(np.eye(4), np.arange(5)), 1)


def test_search_before_build_is_an_error():
    with pytest.raises(InputError, match="before build"):
        MaxSimIndex().search(MultiVector(np.eye(3), np.arange(4)), 1)


@DEVICES
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_named(value, device, monkeypatch):
    monkeypatch.setattr(maxsim, "ROWS", 1)  # the rows of the second block are counted on
    good, bad = np.ones((4, 2), np.float32), np.ones((4, 2), np.float32)
    bad[3, 1] = value
    offsets = np.array([0, 1, 4])
    with pytest.raises(InputError, match="a vector of document 1 has NaN or infinite values"):
        built(MultiVector(bad, offsets), device=device).search(MultiVector(good, offsets), 2)
    with pytest.raises(InputError, match="a vector of query 1 has NaN or infinite values"):
        built(MultiVector(good, offsets)).search(MultiVector(bad, offsets), 2)


def test_an_encoder_of_other_vectors_does_not_fit():
    with pytest.raises(InputError, match="MaxSimIndex takes MultiVector vectors, but LexicalEncoder gives Sparse"):
        VectorRetriever(LexicalEncoder(None), MaxSimIndex())


def test_notes_the_bytes_of_its_vectors_and_its_work():
    documents = MultiVector(np.zeros((10, 4), np.float16), np.array([0, 3, 10]))
    with cost.ledger() as notes:
        index = built(documents)
        index.search(MultiVector(np.zeros((5, 4), np.float32), np.array([0, 1, 3, 5])), 1)
    assert notes == {"index_bytes": 80 + 24, "documents_compared": 6, "tokens_compared": 30}


def test_explains_each_query_token_by_the_token_that_it_matched():
    random = np.random.default_rng(4)
    vocabulary = Strings.of(["[CLS]", "tide", "moon", "##s"])
    tokens = np.array([0, 1, 3, 0, 2], np.int32)
    values = random.standard_normal((5, 6), dtype=np.float32).astype(np.float16)
    index = built(MultiVector(values, np.array([0, 3, 3, 5]), tokens, vocabulary))
    query = MultiVector(random.standard_normal((2, 6), dtype=np.float32), np.array([0, 2]), tokens[1:3], vocabulary)
    hits = index.search(query, 3)
    for row, score in zip(hits.rows[0, :2].tolist(), hits.scores[0, :2].tolist(), strict=True):
        matches = index.explain(query, [row])[0]
        assert sum(m.score for m in matches) == pytest.approx(score, rel=1e-5)
        assert {m.term for m in matches} == {"tide", "##s"}
        assert {m.document_term for m in matches} <= ({"[CLS]", "tide", "##s"} if row == 0 else {"[CLS]", "moon"})
        aligned = index.align(query, [row])[0]
        by_hand = query.values.astype(float) @ index._documents.row(row).astype(float).T
        np.testing.assert_allclose(aligned.similarities, by_hand, rtol=1e-5, atol=1e-6)
    assert index.explain(query, [1]) == [[]]
    nameless = built(MultiVector(values, np.array([0, 3, 5]))).align(query, [1])[0]
    assert nameless.document_terms == ["#1", "#2"]
    assert list(nameless.query_terms) == ["tide", "##s"]


def test_explaining_tells_other_dimensions_and_a_missing_build():
    query = MultiVector(np.ones((1, 3), np.float32), np.array([0, 1]))
    with pytest.raises(InputError, match="explain before build"):
        MaxSimIndex().explain(query, [0])
    with pytest.raises(InputError, match="queries have 3 dimensions, the documents 2"):
        built(MultiVector(np.ones((1, 2)), np.array([0, 1]))).explain(query, [0])


ROUNDED = pytest.mark.parametrize("storage", ["float16", "int8"])


def drawn(lengths, dims: int, seed: int) -> MultiVector:
    values = np.random.default_rng(seed).standard_normal((sum(lengths), dims), dtype=np.float32)
    return MultiVector(values, np.cumsum([0, *lengths]))


def in_float64(vectors: MultiVector, storage: str) -> MultiVector:
    """The rounded vectors as numbers."""
    if storage == "float16":
        return replace(vectors, values=vectors.values.astype(np.float16).astype(float))
    numbers, scales = quantised(vectors.values)
    return replace(vectors, values=numbers * scales[:, None].astype(float))


@DEVICES
@ROUNDED
@given(queries=LENGTHS, documents=LENGTHS, dims=st.integers(1, 9), k=st.integers(1, 15), seed=st.integers(0, 99))
def test_rounded_documents_score_as_by_three_loops(device, storage, queries, documents, dims, k, seed):
    q, d = drawn(queries, dims, seed), drawn(documents, dims, seed + 100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maxsim, "ROWS", 5)
        patch.setattr(maxsim, "QUERIES", 3)
        for name, tokens in (("CONVERTED_AT_ONCE", 4), ("DOCUMENT_TOKENS", 7), ("QUERY_TOKENS", 4)):
            patch.setattr(kernel, name, tokens)
        hits = built(d, device=device, storage=storage).search(q, k)
    asked = in_float64(q, storage) if storage == "int8" else q
    everything = by_hand(asked, in_float64(d, storage), len(d))
    for found, expected in zip(pairs(hits), everything, strict=True):
        assert len(found) == min(k, len(expected))
        np.testing.assert_allclose([s for _, s in found], [s for _, s in expected[:k]], rtol=1e-5, atol=1e-5)
        scores = dict(expected)
        np.testing.assert_allclose([s for _, s in found], [scores[row] for row, _ in found], rtol=1e-5, atol=1e-5)


@given(
    lengths=st.lists(st.sampled_from([0, 1, 31, 64, 700, 1500]), min_size=1, max_size=8),
    asked=st.lists(st.sampled_from([0, 1, 9, 32, 600]), min_size=1, max_size=5),
    dims=st.sampled_from([3, 16, 128]),
)
def test_int8_scores_are_those_of_the_reranker_bit_for_bit(lengths, asked, dims):
    q, d = drawn(asked, dims, 1), drawn(lengths, dims, 2)
    hits = built(d, storage="int8").search(q, len(d))
    numbers, scales = quantised(d.values)
    queries, rows = np.nonzero(hits.rows >= 0)[0], hits.rows[hits.rows >= 0]
    expected = pair_scores(q, MultiVector(numbers, d.offsets), queries, rows, scales)
    np.testing.assert_array_equal(hits.scores[hits.rows >= 0], expected)
    assert len(rows) == np.count_nonzero(asked) * np.count_nonzero(lengths)


def test_int8_is_the_same_in_every_batch_and_by_every_number_of_threads():
    d, q = drawn([5] * 100, 16, 1), drawn([5] * 20, 16, 2)
    together = built(d, storage="int8").search(q, 20)
    for i in range(len(q)):
        alone = built(d, storage="int8", threads=2).search(q[i : i + 1], 20)
        np.testing.assert_array_equal(alone.rows[0], together.rows[i])
        np.testing.assert_array_equal(alone.scores[0], together.scores[i])


@DEVICES
def test_float16_scores_are_those_of_documents_rounded_before(device):
    d, q = drawn([3, 0, 7, 200], 16, 1), drawn([4, 0, 9], 16, 2)
    halves = replace(d, values=d.values.astype(np.float16))
    expected = built(halves, device=device).search(q, 4)
    hits = built(d, device=device, storage="float16").search(q, 4)
    np.testing.assert_array_equal(hits.rows, expected.rows)
    np.testing.assert_array_equal(hits.scores, expected.scores)
    assert (expected.scores != built(d, device=device).search(q, 4).scores).any()
    assert built(halves, storage="float16")._documents is halves  # nothing is copied


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_by_default_vectors_stay_as_they_are_and_so_does_the_identity(dtype):
    d, q = drawn([3, 5], 4, 1), drawn([2], 4, 2)
    d = replace(d, values=d.values.astype(dtype))
    index = built(d)
    assert index._documents is d
    hits = index.search(q, 2)
    np.testing.assert_array_equal(hits.scores, np.take_along_axis(all_scores(q, d, single), hits.rows, 1))
    assert describe(index) == {"class": "MaxSimIndex"}  # as before there was a choice
    assert describe(MaxSimIndex(storage="int8")) == {"class": "MaxSimIndex", "storage": "int8"}
    assert len({fingerprint(MaxSimIndex(storage=storage)) for storage in ("encoder", "float16", "int8")}) == 3


@pytest.mark.parametrize(("storage", "stored"), [("encoder", 4 * 4), ("float16", 4 * 2), ("int8", 4 + 4)])
def test_notes_the_bytes_as_they_are_stored(storage, stored):
    with cost.ledger() as notes:
        built(drawn([3, 7], 4, 1), storage=storage)
    assert notes == {"index_bytes": 10 * stored + 3 * 8}


@ROUNDED
def test_building_needs_little_more_than_what_is_stored(storage, monkeypatch):
    monkeypatch.setattr(kernel, "CONVERTED_AT_ONCE", 500)
    documents = drawn([50] * 400, 64, 1)
    tracemalloc.start()
    try:
        index = built(documents, storage=storage)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    scales = 0 if index._scales is None else index._scales.nbytes
    assert peak < index._documents.values.nbytes + scales + 5 * 500 * 64 * 4


@ROUNDED
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_document_that_cannot_be_rounded_is_named(storage, value, monkeypatch):
    monkeypatch.setattr(kernel, "CONVERTED_AT_ONCE", 2)
    documents = drawn([2, 0, 3, 0, 1], 3, 1)
    documents.values[4, 1] = value
    with pytest.raises(InputError, match="a vector of document 2 has NaN or infinite values"):
        built(documents, storage=storage)


def test_a_number_that_float16_does_not_reach_is_an_error():
    documents = drawn([1, 2], 3, 1)
    documents.values[1, 0] = -70_000
    built(documents, storage="int8")
    with pytest.raises(InputError, match="a vector of document 1 has NaN or infinite values"):
        built(documents, storage="float16")


@DEVICES
def test_int8_tells_other_dimensions_and_queries_that_are_not_finite(device):
    index = built(drawn([1, 2], 3, 1), device=device, storage="int8")
    with pytest.raises(InputError, match="queries have 4 dimensions, the documents 3"):
        index.search(drawn([1], 4, 1), 1)
    with pytest.raises(InputError, match="a vector of query 0 has NaN or infinite values"):
        index.search(MultiVector(np.full((1, 3), np.nan, np.float32), np.array([0, 1])), 1)


def test_another_storage_is_an_error():
    with pytest.raises(InputError, match="token vectors stored as 'int4'"):
        MaxSimIndex(storage="int4")


@ROUNDED
def test_explains_by_the_vectors_that_are_stored(storage):
    d, q = drawn([3, 0, 5], 6, 1), drawn([4], 6, 2)
    index = built(d, storage=storage)
    hits = index.search(q, 2)
    asked = (in_float64(q, storage) if storage == "int8" else q).values
    for row, score in zip(hits.rows[0].tolist(), hits.scores[0].tolist(), strict=True):
        assert sum(match.score for match in index.explain(q, [row])[0]) == pytest.approx(score, rel=1e-5)
        expected = asked @ in_float64(d, storage).row(row).T
        np.testing.assert_allclose(index.align(q, [row])[0].similarities, expected, rtol=1e-5, atol=1e-6)
