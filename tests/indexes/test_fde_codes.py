"""The scan of a query's own codes against the product with the decoded documents, and with the documents themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.fingerprint import fingerprint
from ir_bench.indexes import fde_codes
from ir_bench.indexes.fde_codes import FdeCodes
from ir_bench.indexes.flat import FlatIndex
from ir_bench.types import Dense


def queries(count: int, dims: int, share: float, seed: int) -> Dense:
    random = np.random.default_rng(seed)
    values = random.integers(-3, 4, (count, dims)).astype(np.float32)
    return Dense(values * (random.random((count, dims)) < share))


def documents(count: int = 300, dims: int = 36, seed: int = 0) -> Dense:
    return Dense(np.random.default_rng(seed).standard_normal((count, dims), np.float32))


def built(index, given: Dense):
    index.build(given)
    return index


@pytest.fixture(scope="module")
def index() -> FdeCodes:
    return built(FdeCodes(), documents(700))


@settings(deadline=None)
@given(
    st.integers(1, 9), st.sampled_from([0, 0.05, 0.3, 1]), st.integers(1, 800), st.integers(1, 3), st.integers(0, 99)
)
def test_scores_are_those_of_the_decoded_documents_across_blocks(index, count, share, k, threads, seed):
    asked = queries(count, 36, share, seed)
    expected = asked.values @ index.decoded().values.T
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fde_codes, "ROWS", 130)
        patch.setattr(fde_codes, "QUERIES", 4)
        patch.setattr(index, "threads", threads)
        found = index.search(asked, k)
    assert found.rows.shape == (count, min(k, 700))
    np.testing.assert_allclose(np.take_along_axis(expected, found.rows, 1), found.scores, atol=1e-4)
    np.testing.assert_allclose(-np.sort(-expected, axis=1)[:, :k], found.scores, atol=1e-4)


def test_is_exact_where_every_eight_columns_take_few_values():
    random = np.random.default_rng(1)
    choices = random.integers(-9, 10, (5, 3, 8)).astype(np.float32)  # 3 values of each of 5 groups of columns
    given = Dense(np.concatenate([choices[g][random.integers(0, 3, 400)] for g in range(5)], axis=1))
    asked = queries(6, 40, 0.3, 2)
    expected, found = (built(i, given).search(asked, 400) for i in (FlatIndex(), FdeCodes()))
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-2)  # k-means moves copies of a centroid apart


def test_the_nearest_centroid_codes_a_document(index):
    wanted = documents(700).values[:, :8]
    centroids = index._centroids[0].T
    nearest = ((wanted[:, None] - centroids[None]) ** 2).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(index._codes[0], nearest)


def test_reads_the_codes_of_columns_that_are_not_zero_alone():
    index = built(FdeCodes(), documents())
    asked = np.zeros((2, 36), np.float32)
    asked[0, [1, 9]], asked[1, 6] = 1, 2
    before = index.search(Dense(asked), 10)
    index._centroids[2:] = np.nan
    with cost.ledger() as notes:
        hits = index.search(Dense(asked), 10)
    np.testing.assert_array_equal(hits.rows, before.rows)
    assert notes == {"documents_compared": 600, "codes_read": 3 * 300}


def test_a_saved_index_is_the_same_memory_mapped(index, tmp_path):
    asked, again = queries(5, 36, 0.2, 3), FdeCodes()
    index.save(tmp_path)
    with cost.ledger() as notes:
        again.load(tmp_path)
    assert notes["index_bytes"] == 5 * 700 + 5 * 8 * 256 * 4
    assert isinstance(again._codes, np.memmap)
    a, b = index.search(asked, 7), again.search(asked, 7)
    np.testing.assert_array_equal(a.rows, b.rows)
    np.testing.assert_array_equal(a.scores, b.scores)


def test_training_rows_and_seed_are_its_identity_and_threads_are_not():
    some, others = (built(FdeCodes(260, seed), documents()) for seed in (0, 1))
    assert not np.array_equal(some._centroids, others._centroids)
    np.testing.assert_array_equal(built(FdeCodes(260), documents())._codes, some._codes)
    assert fingerprint(FdeCodes(seed=1)) != fingerprint(FdeCodes()) == fingerprint(FdeCodes(threads=2))


def test_no_queries_have_no_hits_and_zeros_tie_all(index):
    assert len(index.search(Dense(np.zeros((0, 36), np.float32)), 3).rows) == 0
    hits = index.search(Dense(np.zeros((1, 36), np.float32)), 3)
    assert hits.rows.tolist() == [[0, 1, 2]]
    assert not hits.scores.any()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_named(index, value):
    bad, asked = documents(), np.ones((3, 36), np.float32)
    bad.values[1, 2] = asked[1, 2] = value
    with pytest.raises(InputError, match="the vector of document 1 has NaN"):
        built(FdeCodes(), bad)
    with pytest.raises(InputError, match="the vector of query 1 has NaN"):
        index.search(Dense(asked), 1)


def test_what_does_not_fit_is_an_error(index):
    with pytest.raises(InputError, match="queries have 8 dimensions, the documents 36"):
        index.search(Dense(np.ones((1, 8), np.float32)), 1)
    with pytest.raises(InputError, match="number of hits"):
        index.search(Dense(np.ones((1, 36), np.float32)), 0)
    with pytest.raises(InputError, match="before build"):
        FdeCodes().search(Dense(np.ones((1, 4), np.float32)), 1)
    with pytest.raises(InputError, match="255 documents to train 256 centroids"):
        built(FdeCodes(), documents(255))
