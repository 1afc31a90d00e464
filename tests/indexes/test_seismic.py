"""Seismic through its package: exact at its limit, saved and loaded, its knobs trade accuracy."""

from __future__ import annotations

import numpy as np
import pytest

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.indexes.seismic import SeismicIndex
from ir_bench.types import Sparse, Strings

pytest.importorskip("seismic")
LIMIT = {"postings": 500, "max_fraction": 1e6, "query_cut": None, "heap_factor": 0.0}


def sparse(matrix: np.ndarray, names: list[str] | None = None) -> Sparse:
    rows, terms = np.nonzero(matrix)
    offsets = np.searchsorted(rows, np.arange(len(matrix) + 1)).astype(np.int64)
    vocabulary = Strings.of(names or [f"t{i}" for i in range(matrix.shape[1])])
    return Sparse(terms.astype(np.int32), matrix[rows, terms].astype(np.float32), offsets, vocabulary)


@pytest.fixture(scope="module")
def problem() -> tuple[np.ndarray, np.ndarray]:
    """500 documents and 40 queries, Zipfian terms, whole weights; two documents and a query are empty."""
    generator = np.random.default_rng(1)
    rates = np.minimum(0.9, 4 / np.arange(1, 81))
    documents = generator.integers(1, 180, (500, 80)) * (generator.random((500, 80)) < rates)
    queries = generator.integers(1, 90, (40, 80)) * (generator.random((40, 80)) < rates)
    documents[[7, 499]] = 0
    queries[3] = 0
    return documents.astype(np.float32), queries.astype(np.float32)


def built(documents: np.ndarray, **settings) -> SeismicIndex:
    index = SeismicIndex(**settings)
    index.build(sparse(documents))
    return index


@pytest.mark.parametrize("k", [1, 10, 100])
def test_at_its_limit_it_is_exact(problem, k):
    documents, queries = problem
    hits = built(documents, **LIMIT).search(sparse(queries), k)
    for i, query in enumerate(queries):
        exact = documents.astype(np.float64) @ query
        expected = np.sort(exact[exact > 0])[::-1][:k]
        found = hits.rows[i] >= 0
        np.testing.assert_array_equal(hits.scores[i][found], expected.astype(np.float32))  # whole numbers: no rounding
        np.testing.assert_array_equal(exact[hits.rows[i][found]], expected)
        for score in np.unique(expected):  # equal scores by ascending row
            rows = hits.rows[i][found][hits.scores[i][found] == score]
            assert (np.diff(rows) > 0).all()


def test_knobs_trade_accuracy_for_work(problem):
    documents, queries = problem
    exact = built(documents, **LIMIT).search(sparse(queries), 10).scores

    def kept(**settings) -> float:
        scores = built(documents, **{**LIMIT, **settings}).search(sparse(queries), 10).scores
        found = np.isfinite(exact)
        return float((scores[found] == exact[found]).mean())

    assert kept() == 1
    assert kept(summary_energy=1.0, heap_factor=0.95) > 0.99
    assert kept(query_cut=2) < 0.9
    assert kept(postings=20, max_fraction=1.0) < 0.9


def test_saved_and_loaded_it_is_the_same(problem, tmp_path):
    documents, queries = problem
    index = built(documents)
    index.save(tmp_path)
    loaded = SeismicIndex()
    with cost.ledger() as costs:
        loaded.load(tmp_path)
    assert costs["index_bytes"] > 0
    ours, theirs = index.search(sparse(queries), 20), loaded.search(sparse(queries), 20)
    np.testing.assert_array_equal(ours.rows, theirs.rows)
    np.testing.assert_array_equal(ours.scores, theirs.scores)


def test_terms_are_matched_by_name_and_unknown_ones_ignored(problem):
    documents, _ = problem
    index = built(documents, **LIMIT)
    hits = index.search(sparse(np.array([[5.0, 1.0], [1.0, 0.0]]), ["nowhere", "t3"]), 3)
    assert hits.scores[0].tolist() == np.sort(documents[:, 3])[::-1][:3].tolist()
    assert (hits.rows[1] == -1).all()
    assert index.search(sparse(np.zeros((0, 80))), 3).rows.shape == (0, 3)
    assert index.search(sparse(documents[:1]), 10_000).rows.shape == (1, 500)


def test_more_terms_than_two_bytes_number():
    wide = np.zeros((3, 70_000), np.float32)
    wide[0, 69_999], wide[1, 1], wide[2, 65_537] = 2, 3, 4
    hits = built(wide, **LIMIT).search(sparse(wide), 1)
    assert hits.rows[:, 0].tolist() == [0, 1, 2]
    assert hits.scores[:, 0].tolist() == [4, 9, 16]


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf, 70_000.0])
def test_weights_that_it_cannot_keep_are_refused(weight):
    with pytest.raises(InputError, match=r"weights|NaN"):
        built(np.array([[1.0, weight]]))


def test_misuse_is_refused(problem):
    documents, queries = problem
    with pytest.raises(InputError, match="before build"):
        SeismicIndex().search(sparse(queries), 1)
    index = built(documents)
    with pytest.raises(InputError, match="number of hits"):
        index.search(sparse(queries), 0)
    with pytest.raises(InputError, match="negative"):
        index.search(sparse(-queries), 1)
    twice = Sparse(np.array([1, 1], np.int32), np.ones(2, np.float32), np.array([0, 2]), Strings.of(["a", "b"]))
    with pytest.raises(InputError, match="twice"):
        SeismicIndex().build(twice)


def test_the_library_s_progress_is_not_printed(problem, capfd):
    built(problem[0])
    assert capfd.readouterr() == ("", "")


def test_hits_in_any_order_become_rows_by_score_and_row(problem):
    """The library promises no order of queries, nor of a query's hits of equal score."""
    documents, queries = problem
    index = built(documents, **LIMIT)
    hits = index.search(sparse(queries), 30)
    own, generator = index._index, np.random.default_rng(5)

    class Shuffling:
        def batch_search(self, *given, **settings):
            found = own.batch_search(*given, **settings)
            return [
                [found[i][j] for j in generator.permutation(len(found[i]))] for i in generator.permutation(len(found))
            ]

    index._index = Shuffling()
    shuffled = index.search(sparse(queries), 30)
    np.testing.assert_array_equal(shuffled.rows, hits.rows)
    np.testing.assert_array_equal(shuffled.scores, hits.scores)
    assert ((hits.scores[:, 1:] == hits.scores[:, :-1]) & (hits.rows[:, 1:] >= 0)).any()  # there are ties


def test_more_queries_than_terms_keep_their_own_hits():
    documents = np.eye(3, dtype=np.float32)
    hits = built(documents, **LIMIT).search(sparse(np.tile(documents, (4, 1))), 1)
    assert hits.rows[:, 0].tolist() == [0, 1, 2] * 4
