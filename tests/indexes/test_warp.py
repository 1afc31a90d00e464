"""WARP against a loop in float64 over decoded tokens, and against MaxSim where every list is read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe
from ir_bench.indexes.maxsim import MaxSimIndex
from ir_bench.indexes.warp import WarpIndex
from ir_bench.kernels.residual import Codec
from ir_bench.types import MultiVector


def vectors(lengths, dims: int = 16, seed: int = 0) -> MultiVector:
    random = np.random.default_rng(seed)
    topics = np.random.default_rng(99).standard_normal((12, dims))
    values = topics[random.integers(0, 12, sum(lengths))] + 0.6 * random.standard_normal((sum(lengths), dims))
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return MultiVector(values.astype(np.float32), np.cumsum([0, *lengths]))


LENGTHS = np.random.default_rng(5).integers(0, 30, 120).tolist()
DOCUMENTS, QUERIES = vectors(LENGTHS), vectors([4, 1, 9, 0], seed=1)


def built(documents: MultiVector = DOCUMENTS, **given) -> WarpIndex:
    index = WarpIndex(**given)
    index.build(documents)
    return index


def codec_and_codes(index: WarpIndex, documents: MultiVector):
    """What the index was made of, in the documents' order: encoding is a function of centroids, cutoffs and vectors."""
    codec = Codec.trained(documents, index.centroids, index.bits, 4, 1 << 20, 0)
    codes, packed = (np.concatenate(parts) for parts in zip(*codec.encoded(documents), strict=True))
    return codec, codes, codec.decoded(codes, packed, unit=False).astype(float)


def by_hand(query: np.ndarray, index: WarpIndex, documents: MultiVector, wanted: int) -> dict[int, float]:
    codec, codes, decoded = codec_and_codes(index, documents)
    owners = np.repeat(np.arange(len(documents)), np.diff(documents.offsets))
    sizes = np.bincount(codes, minlength=len(codec.centroids))
    read, missing = [], []
    for token in query.astype(float):
        products = codec.centroids.astype(float) @ token
        order = np.argsort(-products, kind="stable")
        held, last = 0, 0
        for c in order[: index.bound]:
            held, last = held + sizes[c], c
            if held >= wanted:
                break
        missing.append(products[last])
        best: dict[int, float] = {}
        for j in np.flatnonzero(np.isin(codes, order[: index.nprobe])):
            best[owners[j]] = max(best.get(owners[j], -np.inf), decoded[j] @ token)
        read.append(best)
    return {
        row: sum(best.get(row, absent) for best, absent in zip(read, missing, strict=True))
        for row in {row for best in read for row in best}
    }


@given(
    st.sampled_from([1, 2, 4, 8]),
    st.integers(1, 70),
    st.integers(0, 2500),
    st.integers(1, 200),
    st.integers(0, 5),
)
@settings(max_examples=40, deadline=None)
def test_equals_a_loop_over_decoded_tokens(bits, nprobe, wanted, bound, seed):
    documents, query = vectors(LENGTHS[:40], seed=seed), vectors([5], seed=seed + 50)
    index = built(documents, bits=bits, centroids=64, nprobe=nprobe, missing_tokens=wanted, bound=bound)
    hits, expected = index.search(query, 100), by_hand(query.row(0), index, documents, wanted)
    got = {r: s for r, s in zip(hits.rows[0].tolist(), hits.scores[0].tolist(), strict=True) if r >= 0}
    assert got.keys() == expected.keys()
    for row, score in expected.items():
        assert got[row] == pytest.approx(score, abs=1e-5)
    assert (np.diff(hits.scores[0][hits.rows[0] >= 0]) <= 0).all()


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_with_all_lists_read_it_is_maxsim_over_the_decompressed_tokens(bits):
    index = built(bits=bits, nprobe=10**6)
    decoded = MultiVector(codec_and_codes(index, DOCUMENTS)[2].astype(np.float32), DOCUMENTS.offsets)
    exact = MaxSimIndex()
    exact.build(decoded)
    hits, expected = index.search(QUERIES, 200), exact.search(QUERIES, 200)
    np.testing.assert_allclose(hits.scores, expected.scores, atol=1e-5)
    assert (hits.rows == expected.rows).mean() > 0.99  # rounding may exchange neighbours
    assert (hits.rows[3] == -1).all()  # a query without tokens


def test_a_farther_list_stands_for_unread_tokens_and_never_raises_them():
    index = built(nprobe=2)
    scores = []
    for wanted in (1, 300, 10**9):
        index.missing_tokens = wanted
        hits = index.search(QUERIES[:1], len(DOCUMENTS))
        scores.append(dict(zip(hits.rows[0].tolist(), hits.scores[0].tolist(), strict=True)))
    assert all(scores[0][row] >= scores[1][row] >= scores[2][row] for row in scores[0])
    assert any(scores[0][row] > scores[2][row] + 0.1 for row in scores[0] if row >= 0)


@pytest.mark.parametrize(("tokens", "wanted"), [(100, 1000), (900_000, 2000), (10**12, 50_000)])
def test_missing_tokens_grow_with_the_collections_root(tokens, wanted):
    assert WarpIndex()._missing_tokens(tokens) == wanted
    assert WarpIndex(missing_tokens=7)._missing_tokens(tokens) == 7


def test_saved_and_loaded_it_finds_the_same(tmp_path):
    index = built()
    index.save(tmp_path)
    again = WarpIndex()
    with cost.ledger() as notes:
        again.load(tmp_path)
    first, second = index.search(QUERIES, 10), again.search(QUERIES, 10)
    assert np.array_equal(first.scores, second.scores)
    assert np.array_equal(first.rows, second.rows)
    assert notes["index_bytes"] >= len(DOCUMENTS.values) * (4 + 16 * 4 / 8)
    assert describe(WarpIndex(nprobe=9), of_documents=True) == describe(WarpIndex(), of_documents=True)


def test_notes_its_work():
    with cost.ledger() as notes:
        built(nprobe=10**6).search(QUERIES, 5)
    assert notes["documents_matched"] == 3 * sum(n > 0 for n in LENGTHS)
    assert notes["tokens_compared"] == (4 + 1 + 9) * sum(LENGTHS)


def test_one_token_ten_thousand_tokens_and_dims_that_fill_no_byte():
    documents = vectors([1, 10_000, 0], dims=5)
    hits = built(documents, bits=1, centroids=8, nprobe=8).search(vectors([2], dims=5, seed=3), 3)
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
    with pytest.raises(InputError, match="nprobe=0"):
        built(nprobe=0)
    with pytest.raises(InputError, match="queries have 8 dimensions, the documents 16"):
        built().search(vectors([2], dims=8), 1)
    with pytest.raises(InputError, match="a vector of query 1 has NaN"):
        built().search(bad, 1)
    with pytest.raises(InputError, match="before build"):
        WarpIndex().search(QUERIES, 1)
    with pytest.raises(InputError, match="number of hits"):
        built().search(QUERIES, 0)
