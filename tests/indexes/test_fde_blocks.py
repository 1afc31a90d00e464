"""The scan of a query's own columns against the scan of all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.fingerprint import fingerprint
from ir_bench.indexes import fde_blocks
from ir_bench.indexes.fde_blocks import FdeBlocks
from ir_bench.indexes.flat import FlatIndex
from ir_bench.types import Dense


def sparse(queries: int, dims: int, share: float, seed: int) -> Dense:
    random = np.random.default_rng(seed)
    values = random.integers(-3, 4, (queries, dims)).astype(np.float32)  # small whole numbers: exact, with many ties
    return Dense(values * (random.random((queries, dims)) < share))


def built(index, documents: Dense):
    index.build(documents)
    return index


@given(
    st.integers(1, 9), st.integers(1, 40), st.integers(1, 19), st.sampled_from([0, 0.1, 0.5, 1]), st.integers(1, 45),
    st.integers(1, 3), st.integers(0, 99),
)  # fmt: skip
def test_equals_the_flat_scan_with_ties_by_row_across_blocks(queries, count, dims, share, k, threads, seed):
    asked, documents = sparse(queries, dims, share, seed), sparse(count, dims, 1, seed + 1)
    expected = built(FlatIndex(), documents).search(asked, k)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fde_blocks, "ROWS", 13)
        patch.setattr(fde_blocks, "QUERIES", 4)
        patch.setattr(fde_blocks, "TRANSPOSED_AT_ONCE", 5)
        found = built(FdeBlocks(threads=threads), documents).search(asked, k)
    np.testing.assert_array_equal(found.rows, expected.rows)
    np.testing.assert_array_equal(found.scores, expected.scores)


def test_int8_is_exact_for_whole_numbers_and_close_for_others(tmp_path):
    random = np.random.default_rng(1)
    whole = random.integers(-127, 128, (50, 16)).astype(np.float32)
    whole[:, 0] = 127
    asked = sparse(3, 16, 0.3, 2)
    expected = built(FlatIndex(), Dense(whole)).search(asked, 50)
    found = built(FdeBlocks("int8"), Dense(whole)).search(asked, 50)
    np.testing.assert_array_equal(found.scores, expected.scores)
    documents = Dense(random.standard_normal((5000, 16), np.float32))
    exact, close = (built(i, documents).search(asked, 5000) for i in (FdeBlocks(), FdeBlocks("int8")))
    for i in range(3):
        by_row = [hits.scores[i][np.argsort(hits.rows[i])] for hits in (exact, close)]
        assert np.abs(by_row[0] - by_row[1]).max() < 0.02 * np.abs(asked.values[i]).sum()
    assert fingerprint(FdeBlocks("int8")) != fingerprint(FdeBlocks())
    assert fingerprint(FdeBlocks(threads=2)) == fingerprint(FdeBlocks())


@pytest.mark.parametrize("storage", ["float32", "int8"])
def test_a_saved_index_is_the_same_memory_mapped(storage, tmp_path):
    asked, documents = sparse(5, 22, 0.2, 3), sparse(30, 22, 1, 4)
    index, again = built(FdeBlocks(storage), documents), FdeBlocks(storage)
    index.save(tmp_path)
    with cost.ledger() as notes:
        again.load(tmp_path)
    assert notes["index_bytes"] == 30 * 24 * (4 if storage == "float32" else 1) + (0 if storage == "float32" else 120)
    assert isinstance(again._columns, np.memmap)
    a, b = index.search(asked, 7), again.search(asked, 7)
    np.testing.assert_array_equal(a.rows, b.rows)
    np.testing.assert_array_equal(a.scores, b.scores)


def test_reads_the_columns_that_are_not_zero_alone():
    documents = sparse(10, 40, 1, 1)
    index = built(FdeBlocks(), documents)
    assert index._columns is not None
    index._columns[2:] = np.nan  # columns 8 and on
    asked = np.zeros((2, 40), np.float32)
    asked[0, [1, 5]], asked[1, 6] = 1, 2
    with cost.ledger() as notes:
        hits = index.search(Dense(asked), 10)
    assert np.isfinite(hits.scores).all()
    assert notes == {"documents_compared": 20, "columns_read": (2 + 1) * 4, "read_bytes": 2 * 4 * 10 * 4}


def test_no_queries_have_no_hits():
    assert len(built(FdeBlocks(), sparse(4, 8, 1, 1)).search(Dense(np.zeros((0, 8), np.float32)), 3).rows) == 0


def test_a_query_of_zeros_ties_all_documents():
    hits = built(FdeBlocks(), sparse(4, 8, 1, 1)).search(Dense(np.zeros((1, 8), np.float32)), 3)
    assert hits.rows.tolist() == [[0, 1, 2]]
    assert not hits.scores.any()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_named(value):
    good, bad = np.ones((3, 4), np.float32), np.ones((3, 4), np.float32)
    bad[1, 2] = value
    with pytest.raises(InputError, match="the vector of document 1 has NaN"):
        built(FdeBlocks(), Dense(bad))
    with pytest.raises(InputError, match="the vector of query 1 has NaN"):
        built(FdeBlocks(), Dense(good)).search(Dense(bad), 1)


def test_what_does_not_fit_is_an_error():
    index = built(FdeBlocks(), Dense(np.ones((3, 4), np.float32)))
    with pytest.raises(InputError, match="queries have 8 dimensions, the documents 4"):
        index.search(Dense(np.ones((1, 8), np.float32)), 1)
    with pytest.raises(InputError, match="number of hits"):
        index.search(Dense(np.ones((1, 4), np.float32)), 0)
    with pytest.raises(InputError, match="before build"):
        FdeBlocks().search(Dense(np.ones((1, 4), np.float32)), 1)
    with pytest.raises(InputError, match="stored as 'float16'"):
        FdeBlocks("float16")
