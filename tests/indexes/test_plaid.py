"""PLAID at its limit against exact MaxSim over the decompressed vectors, and each of its stages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe
from ir_bench.indexes.maxsim import MaxSimIndex
from ir_bench.indexes.plaid import PlaidIndex
from ir_bench.kernels.centroid_interaction import by_centroids
from ir_bench.kernels.residual import Codec
from ir_bench.types import MultiVector


def vectors(lengths, dims: int = 16, seed: int = 0, dtype: type = np.float32) -> MultiVector:
    random = np.random.default_rng(seed)
    topics = np.random.default_rng(99).standard_normal((12, dims))
    values = topics[random.integers(0, 12, sum(lengths))] + 0.6 * random.standard_normal((sum(lengths), dims))
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return MultiVector(values.astype(dtype), np.cumsum([0, *lengths]))


LENGTHS = np.random.default_rng(5).integers(0, 30, 120).tolist()
DOCUMENTS, QUERIES = vectors(LENGTHS), vectors([4, 1, 9, 0], seed=1)
EVERYTHING = {"nprobe": 10**6, "threshold": None, "candidates": 10**6}


def built(documents: MultiVector = DOCUMENTS, **given) -> PlaidIndex:
    index = PlaidIndex(**given)
    index.build(documents)
    return index


def decompressed(index: PlaidIndex, documents: MultiVector) -> MultiVector:
    arrays = index._built()
    codec = Codec(arrays["centroids"], arrays["cutoffs"], arrays["weights"])
    return MultiVector(codec.decoded(arrays["codes"], arrays["packed"]), documents.offsets)


def exact(documents: MultiVector, queries: MultiVector, k: int):
    index = MaxSimIndex()
    index.build(documents)
    return index.search(queries, k)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_at_its_limit_it_is_maxsim_over_the_decompressed_vectors(bits):
    index = built(bits=bits, **EVERYTHING)
    hits, expected = index.search(QUERIES, 200), exact(decompressed(index, DOCUMENTS), QUERIES, 200)
    np.testing.assert_allclose(hits.scores, expected.scores, atol=1e-5)
    assert (hits.rows == expected.rows).mean() > 0.99  # rounding may exchange neighbours
    assert (hits.rows[3] == -1).all()  # a query without tokens


def test_eight_bits_reproduce_maxsim_to_a_hundredth():
    documents, queries = vectors(LENGTHS, dims=128), vectors([4, 1, 9], dims=128, seed=1)
    hits, expected = built(documents, bits=8, **EVERYTHING).search(queries, 120), exact(documents, queries, 120)
    for i in range(3):
        ours = dict(zip(hits.rows[i].tolist(), hits.scores[i].tolist(), strict=True))
        theirs = dict(zip(expected.rows[i].tolist(), expected.scores[i].tolist(), strict=True))
        assert ours.keys() == theirs.keys()
        assert max(abs(ours[r] - theirs[r]) for r in ours if r >= 0) <= 1e-2 * len(queries.row(i))


@given(st.integers(1, 40), st.sampled_from([None, 0.3, 0.8, 5.0]), st.integers(1, 200), st.integers(1, 60))
@settings(max_examples=25)
def test_what_is_found_is_scored_as_at_the_limit_and_more_work_finds_no_less(nprobe, threshold, candidates, k):
    small = built_once(nprobe=nprobe, threshold=threshold, candidates=candidates)
    limit = built_once(**EVERYTHING)
    hits, full = small.search(QUERIES, k), limit.search(QUERIES, len(DOCUMENTS))
    for i in range(len(QUERIES)):
        best = dict(zip(full.rows[i].tolist(), full.scores[i].tolist(), strict=True))
        found = hits.rows[i][hits.rows[i] >= 0]
        assert len(found) <= max(candidates // 4, 1)
        assert len(set(found.tolist())) == len(found)
        for row, score in zip(found.tolist(), hits.scores[i].tolist(), strict=False):
            assert score == pytest.approx(best[row], abs=1e-5)
        assert (np.diff(hits.scores[i][: len(found)]) <= 0).all()


_ONCE: list[PlaidIndex] = []


def built_once(**at_search) -> PlaidIndex:
    if not _ONCE:
        _ONCE.append(built())
    index = PlaidIndex(**at_search)
    index._arrays = _ONCE[0]._arrays
    return index


def test_centroid_interaction_by_hand():
    products = np.array([[0.9, 0.1], [0.2, 0.8], [-0.5, -0.4]], np.float32)
    codes, offsets = np.array([0, 1, 2, 2], np.int32), np.array([0, 2, 3, 3, 4])
    rows, everything = np.array([0, 1, 2, 3]), np.ones(3, bool)
    np.testing.assert_allclose(
        by_centroids(products, everything, rows, codes, offsets), [1.7, -0.9, 0, -0.9], rtol=1e-6
    )
    kept = np.array([True, False, False])
    np.testing.assert_allclose(by_centroids(products, kept, rows, codes, offsets), [1.0, 0, 0, 0], rtol=1e-6)


def test_saved_and_loaded_it_finds_the_same(tmp_path):
    index = built()
    index.save(tmp_path)
    again = PlaidIndex()
    with cost.ledger() as notes:
        again.load(tmp_path)
    np.testing.assert_array_equal(again.search(QUERIES, 10).scores, index.search(QUERIES, 10).scores)
    tokens = len(DOCUMENTS.values)
    assert notes["index_bytes"] >= tokens * (4 + 16 * 2 / 8)


def test_two_bits_take_eight_times_less_room_and_equal_seeds_build_the_same():
    first, second = built(seed=3), built(seed=3)
    for name, array in first._built().items():
        np.testing.assert_array_equal(array, second._built()[name])
    assert first._built()["packed"].shape[1] == 16 * 2 // 8


def test_search_settings_do_not_ask_for_another_index():
    assert describe(PlaidIndex(nprobe=9), of_documents=True) == describe(PlaidIndex(), of_documents=True)
    assert describe(PlaidIndex(nprobe=9)) != describe(PlaidIndex())


def test_notes_its_work():
    with cost.ledger() as notes:
        built_once(**EVERYTHING).search(QUERIES, 5)
    with_tokens = sum(n > 0 for n in LENGTHS)
    assert notes["documents_matched"] == notes["documents_compared"] == 3 * with_tokens
    assert notes["tokens_compared"] == 3 * sum(LENGTHS)


def test_one_token_ten_thousand_tokens_and_dims_that_fill_no_byte():
    documents = vectors([1, 10_000, 0], dims=5)
    hits = built(documents, bits=1, centroids=8, **EVERYTHING).search(vectors([2], dims=5, seed=3), 3)
    assert sorted(hits.rows[0].tolist()) == [-1, 0, 1]


def test_hostile_input_is_told():
    bad = vectors([3, 2])
    bad.values[4, 0] = np.nan
    with pytest.raises(InputError, match="NaN or infinite"):
        built(bad)
    with pytest.raises(InputError, match="no document has a token vector"):
        built(vectors([0, 0]))
    with pytest.raises(InputError, match="residuals of 3 bits"):
        built(bits=3)
    with pytest.raises(InputError, match="queries have 8 dimensions, the documents 16"):
        built().search(vectors([2], dims=8), 1)
    with pytest.raises(InputError, match="a vector of query 1 has NaN"):
        built().search(bad, 1)
    with pytest.raises(InputError, match="before build"):
        PlaidIndex().search(QUERIES, 1)
    with pytest.raises(InputError, match="number of hits"):
        built().search(QUERIES, 0)
