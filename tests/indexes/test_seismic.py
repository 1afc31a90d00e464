"""Seismic through its package: exact at its limit, saved and loaded, its knobs trade accuracy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe
from ir_bench.indexes.seismic import SavedGraph, SeismicIndex
from ir_bench.types import Sparse, Strings

pytest.importorskip("seismic")
LIMIT = {"postings": 500, "max_fraction": 1e6, "query_cut": None, "heap_factor": 0.0}
BOUNDED = {**LIMIT, "summary_energy": 1.0, "heap_factor": 1.0}  # blocks are left out by summaries of all their terms
SINGLE = {"centroid_fraction": 1.0, "min_cluster_size": 0}  # blocks of few documents, whose summaries are the closest
FEW = {**LIMIT, "query_cut": 1}  # misses documents that a graph leads to


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


@pytest.mark.parametrize("k", [1, 10, 100])
def test_summaries_that_are_not_rounded_are_bounds(problem, k):
    documents, queries = (np.pad(matrix, ((0, 0), (0, 2))) for matrix in problem)
    documents[:, -2:] = 1, 256  # the least and the largest of every document: a step of a summary is 1
    hits = built(documents, **BOUNDED, **SINGLE).search(sparse(queries), k)
    expected = np.sort(queries.astype(np.float64) @ documents.T, axis=1)[:, ::-1][:, :k]
    np.testing.assert_array_equal(np.where(hits.rows >= 0, hits.scores, 0), expected)


def test_rounded_summaries_lose_no_more_than_half_a_step_of_each_term():
    generator = np.random.default_rng(0)
    documents, queries = np.zeros((200, 202), np.float32), np.zeros((2, 202), np.float32)
    documents[:, 0], documents[:, 1] = 1, generator.integers(2000, 2017, 200) / 4
    documents[np.arange(200), 2 + np.arange(200)] = 1000
    queries[0, 1], queries[1, :2] = 1, (2, 3)
    exact = np.sort(queries @ documents.T, axis=1)[:, ::-1]
    half_step = queries.sum(1, keepdims=True) * (1000 - 1) / 510
    index = built(documents, **BOUNDED, **SINGLE)
    for k in (1, 10, 100):
        lost = exact[:, :k] - index.search(sparse(queries), k).scores
        assert (lost <= half_step).all()
        assert lost.max() > 0 or k > 1  # so heap_factor=1 is not the limit
    index.heap_factor = 0.99
    assert index.search(sparse(queries), 1).scores[:, 0].tolist() == exact[:, 0].tolist()


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
        len = own.len

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


def test_neighbours_lower_no_score_and_find_more(problem):
    documents, queries = problem
    index, exact = built(documents, **FEW, neighbours=10), built(documents, **LIMIT).search(sparse(queries), 10).scores
    found = []
    for index.search_neighbours in (0, 1, 3, 10):
        found.append(index.search(sparse(queries), 10).scores)
    assert (found[0] == built(documents, **FEW).search(sparse(queries), 10).scores).all()
    for fewer, more in itertools.pairwise(found):
        assert (more >= fewer).all()
    shares = [float((scores == exact)[np.isfinite(exact)].mean()) for scores in found]
    assert shares == sorted(shares)
    assert shares[-1] > shares[0] + 0.1


def test_a_neighbour_is_found_that_no_list_of_the_query_holds():
    documents = np.zeros((5, 4), np.float32)
    documents[:2, 0] = 5, 4
    documents[1:3, 1] = 9, 8  # the neighbour of row 1 is row 2
    documents[3:, 2:] = 1
    documents[0, 3] = 1
    queries = sparse(np.array([[3, 2, 0, 0]], np.float32))  # query_cut=1 leaves the list of the first term
    index = built(documents, **FEW, neighbours=1)
    assert index.search(queries, 3).rows[0].tolist() == [1, 0, -1]
    index.search_neighbours = 1
    hits = index.search(queries, 3)
    assert hits.rows[0].tolist()[:2] == [1, 2]
    assert hits.scores[0].tolist()[:2] == [3 * 4 + 2 * 9, 2 * 8]


def test_neighbours_are_saved_and_taken_by_an_index_with_other_settings(problem, tmp_path):
    documents, queries = problem
    own = built(documents, **FEW, neighbours=10, search_neighbours=4)
    own.save_graph(tmp_path / "graph")
    (tmp_path / "index").mkdir()
    own.save(tmp_path / "index")
    taking = built(documents, **FEW, neighbours=4, graph=SavedGraph(str(tmp_path / "graph")), search_neighbours=4)
    loaded = SeismicIndex(**FEW, neighbours=10, search_neighbours=4)
    loaded.load(tmp_path / "index")
    for index in (taking, loaded):
        hits, expected = index.search(sparse(queries), 10), own.search(sparse(queries), 10)
        np.testing.assert_array_equal(hits.rows, expected.rows)
        np.testing.assert_array_equal(hits.scores, expected.scores)
    taking.search_neighbours = 5
    with pytest.raises(InputError, match="search_neighbours=5, but the index keeps 4"):
        taking.search(sparse(queries), 10)


def test_a_graph_that_does_not_fit_is_refused(problem, tmp_path):
    documents, queries = problem
    file = tmp_path / "graph"
    built(documents, **LIMIT, neighbours=3).save_graph(file)

    def taking(matrix: np.ndarray = documents, neighbours: int = 3, name: str = "graph") -> None:
        built(matrix, **LIMIT, neighbours=neighbours, graph=SavedGraph(str(tmp_path / name)))

    for neighbours in (0, 4):
        with pytest.raises(InputError, match=f"neighbours={neighbours}, but .*graph has 3 of each document"):
            taking(neighbours=neighbours)
    with pytest.raises(InputError, match="neighbours of 498 documents, but 400 documents have terms"):
        taking(documents[documents.any(1)][:400])
    with pytest.raises(InputError, match=r"there is no file of neighbours .*nowhere"):
        taking(name="nowhere")
    for content in (b"", b"graph", file.read_bytes()[:-1]):
        (tmp_path / "other").write_bytes(content)
        with pytest.raises(InputError, match="does not hold neighbours"):
            taking(name="other")
    with pytest.raises(InputError, match="the index keeps no neighbours"):
        built(documents).save_graph(file)
    with pytest.raises(InputError, match="search_neighbours=1, but the index keeps 0"):
        built(documents, search_neighbours=1).search(sparse(queries), 1)


def test_documents_with_too_few_neighbours_are_refused():
    """The library would read others' neighbours for theirs, and memory beyond the last one's."""
    alone = np.eye(64, dtype=np.float32)
    with pytest.raises(InputError, match="64 documents have 0 neighbours together"):
        built(alone, **LIMIT, neighbours=5)


def test_documents_without_terms_are_not_found():
    index = built(np.zeros((2, 3), np.float32), neighbours=5)
    assert index.search(sparse(np.ones((1, 3))), 1).rows.tolist() == [[-1]]


def test_a_graph_is_named_by_what_it_holds_and_none_as_before_there_were_any(problem, tmp_path):
    assert "graph" not in describe(SeismicIndex(neighbours=3))
    for name, neighbours in (("a", 3), ("b", 3), ("c", 4)):
        built(problem[0], **LIMIT, neighbours=neighbours).save_graph(tmp_path / name)
    a, b, c = (describe(SeismicIndex(graph=SavedGraph(str(tmp_path / name)))) for name in "abc")
    assert a == b != c
    assert describe(SeismicIndex(graph=SavedGraph(str(tmp_path / "a"))), of_documents=True) != describe(
        SeismicIndex(), of_documents=True
    )
