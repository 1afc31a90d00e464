"""Skipping blocks changes nothing: rows, scores and ties are those of the inverted index and of brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.indexes.block_max import BlockMaxIndex
from ir_bench.indexes.inverted import InvertedIndex
from ir_bench.kernels import block_max
from ir_bench.similarities.dot import Dot
from ir_bench.types import Sparse, Strings


def sparse(matrix: np.ndarray, names: list[str] | None = None) -> Sparse:
    rows, terms = np.nonzero(matrix)
    offsets = np.searchsorted(rows, np.arange(len(matrix) + 1)).astype(np.int64)
    vocabulary = Strings.of(names or [f"t{i}" for i in range(matrix.shape[1])])
    return Sparse(terms.astype(np.int32), matrix[rows, terms].astype(np.float32), offsets, vocabulary)


def built(documents: np.ndarray, prune_from: int = 1, **settings_) -> BlockMaxIndex:
    index = BlockMaxIndex(prune_from=prune_from, **settings_)
    index.build(sparse(documents))
    return index


def exhaustive(documents: np.ndarray, queries: np.ndarray, k: int):
    index = InvertedIndex(Dot())
    index.build(sparse(documents))
    return index.search(sparse(queries), k)


@st.composite
def problems(draw) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    documents, terms, queries = draw(st.integers(1, 400)), draw(st.integers(1, 12)), draw(st.integers(0, 4))
    values = draw(st.sampled_from([[1.0], [0.5, 1.0, 2.0], [0.1, 0.3, 0.7, 1e-3], [1e-35, 1.0], [1e-42], [1e20, 3e31]]))
    density = draw(st.sampled_from([0.01, 0.1, 0.5]))

    def matrix(count: int) -> np.ndarray:
        filled = generator.choice(np.array(values, np.float32), (count, terms))
        return np.where(generator.random((count, terms)) < density, filled, np.float32(0))

    return matrix(documents), np.minimum(matrix(queries), np.float32(1e5))


@settings(max_examples=300, deadline=None)
@given(problems(), st.sampled_from([1, 2, 5, 31, 200]), st.sampled_from(["topical", "given"]), st.booleans())
def test_equals_the_inverted_index(problem, k, order, prune):
    documents, queries = problem
    expected = exhaustive(documents, queries, k)
    index = built(documents, 1 if prune else 10**9, order=order, documents_at_once=64)
    hits = index.search(sparse(queries), k)
    np.testing.assert_array_equal(hits.rows, expected.rows)
    np.testing.assert_array_equal(hits.scores, expected.scores)


@pytest.fixture(scope="module")
def many() -> tuple[np.ndarray, np.ndarray]:
    """20,000 documents of twenty topics; whole weights, so that ties abound."""
    generator = np.random.default_rng(5)
    rates = 0.6 / np.arange(1, 61)
    topics = np.stack([generator.permutation(rates) for _ in range(20)])
    of = generator.integers(0, 20, 20_000)
    documents = generator.integers(1, 99, (20_000, 60)) * (generator.random((20_000, 60)) < topics[of])
    queries = generator.integers(1, 9, (12, 60)) * (generator.random((12, 60)) < topics[np.arange(12)])
    return documents.astype(np.float32), queries.astype(np.float32)


@pytest.mark.parametrize("k", [1, 10, 11, 32, 33, 1000, 30_000])
@pytest.mark.parametrize("threads", [1, 3])
def test_equals_a_scipy_product_at_size(many, k, threads):
    from scipy.sparse import csr_matrix

    documents, queries = many
    hits = built(documents, threads=threads, documents_at_once=4096).search(sparse(queries), k)
    product = (csr_matrix(queries) @ csr_matrix(documents).T).toarray()  # whole numbers: no rounding
    for i, scores in enumerate(product):
        order = np.argsort(-scores, kind="stable")[:k]
        order = order[scores[order] > 0]
        np.testing.assert_array_equal(hits.rows[i, : len(order)], order)
        np.testing.assert_array_equal(hits.scores[i, : len(order)], scores[order])
        assert (hits.rows[i, len(order) :] == -1).all()


def test_pruning_spares_work_and_counts_it(many, monkeypatch):
    documents, queries = many
    monkeypatch.setattr("ir_bench.indexes.block_max.SHARE", 1.0)
    index, whole = built(documents), built(documents, prune_from=10**9)
    with cost.ledger() as costs:
        index.search(sparse(queries), 10)
    assert costs == index.statistics
    whole.search(sparse(queries), 10)
    blocks = 20_000 // 8 * len(queries)
    assert 0 < index.statistics["blocks_scored"] < blocks / 2
    assert index.statistics["blocks_scored"] + index.statistics["blocks_skipped"] == blocks
    assert index.statistics["documents_scored"] < whole.statistics["documents_scored"] / 2
    assert whole.statistics["blocks_scored"] == whole.statistics["blocks_skipped"] == 0
    assert whole.statistics["documents_scored"] == np.count_nonzero(queries @ documents.T)
    postings = sum(np.count_nonzero(documents[:, t]) for query in queries for t in np.flatnonzero(query))
    assert whole.statistics["postings_read"] == postings
    expected = exhaustive(documents, queries, 10)
    np.testing.assert_array_equal(index.search(sparse(queries), 10).rows, expected.rows)


def test_bounds_hold(many):
    documents, _ = many
    index = built(documents, order="given")
    arrays = index._built()
    for term, slot in enumerate(arrays["slots"]):
        if slot >= 0:
            blocks = documents[:, term].reshape(-1, 8).max(1)
            bounds = arrays["maxima"][slot] * arrays["steps"][slot]
            assert (bounds * block_max.SAFE >= blocks).all()
            assert (bounds[blocks == 0] == 0).all()
            assert (bounds - blocks <= 1.01 * arrays["steps"][slot]).all()
    assert (arrays["slots"] >= 0).sum() > 30


def test_saved_and_loaded_it_is_the_same_and_explains_itself(many, tmp_path):
    documents, queries = many
    index, loaded = built(documents), BlockMaxIndex(prune_from=1)
    index.save(tmp_path)
    with cost.ledger() as costs:
        loaded.load(tmp_path)
    assert costs["index_bytes"] == sum(p.stat().st_size - 128 for p in tmp_path.iterdir())
    hits = loaded.search(sparse(queries), 10)
    np.testing.assert_array_equal(hits.rows, index.search(sparse(queries), 10).rows)
    given = InvertedIndex(Dot())
    given.build(sparse(documents))
    rows = hits.rows[0].tolist()
    assert loaded.explain(sparse(queries[:1]), rows) == given.explain(sparse(queries[:1]), rows)
    for matches, score in zip(loaded.explain(sparse(queries[:1]), rows), hits.scores[0], strict=True):
        assert sum(match.score for match in matches) == score


def test_unknown_terms_and_empty_queries_give_padding():
    index = built(np.eye(9, dtype=np.float32))
    hits = index.search(sparse(np.array([[1.0, 0], [0, 0], [0, 2]]), ["nowhere", "t4"]), 3)
    assert hits.rows.tolist() == [[-1] * 3, [-1] * 3, [4, -1, -1]]
    assert index.search(sparse(np.zeros((0, 4))), 3).rows.shape == (0, 3)


def test_misuse_is_refused():
    with pytest.raises(InputError, match="before build"):
        BlockMaxIndex().search(sparse(np.ones((1, 1))), 1)
    index = built(np.ones((2, 2), np.float32))
    with pytest.raises(InputError, match="number of hits"):
        index.search(sparse(np.ones((1, 2))), 0)
    for wrong, message in ((-1.0, "negative"), (np.nan, "NaN"), (np.inf, "infinite")):
        with pytest.raises(InputError, match=message):
            index.search(sparse(np.array([[wrong, 1.0]])), 1)
        with pytest.raises(InputError, match=message):
            built(np.array([[wrong, 1.0]]))
    twice = Sparse(np.array([1, 1], np.int32), np.ones(2, np.float32), np.array([0, 2]), Strings.of(["a", "b"]))
    with pytest.raises(InputError, match="twice"):
        BlockMaxIndex().build(twice)
