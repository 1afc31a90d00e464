"""The inverted index equals brute force, whatever the batch, the block and the number of threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.indexes.inverted import InvertedIndex
from ir_bench.kernels import inverted, postings
from ir_bench.kernels import queries as batching
from ir_bench.similarities.bm25plus import BM25Plus
from ir_bench.similarities.dot import Dot
from ir_bench.similarities.lucene import LuceneBM25
from ir_bench.similarities.robertson import RobertsonBM25
from ir_bench.types import Hits, Match, Sparse, Strings


def sparse(matrix: np.ndarray, names: list[str] | None = None) -> Sparse:
    """The non-zero entries of a dense matrix [texts, terms]."""
    rows, terms = np.nonzero(matrix)
    offsets = np.searchsorted(rows, np.arange(len(matrix) + 1))
    weights = matrix[rows, terms].astype(np.float32)
    names = names or [f"t{i}" for i in range(matrix.shape[1])]
    return Sparse(terms.astype(np.int32), weights, offsets.astype(np.int64), Strings.of(names))


def brute_force(documents: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Inner products in double precision, documents that share a term, equal float32 scores by ascending row."""
    rows = np.full((len(queries), min(k, len(documents))), -1)
    scores = np.full(rows.shape, -np.inf, np.float32)
    for i, query in enumerate(queries):
        total = np.zeros(len(documents))
        for term in np.flatnonzero(query):  # in the order of the index, so that equal sums are equal to the last bit
            total += query[term] * documents[:, term].astype(np.float64)
        total = total.astype(np.float32)
        matching = np.flatnonzero(((documents != 0) & (query != 0)).any(1))
        order = matching[np.argsort(-total[matching], kind="stable")][:k]
        rows[i, : len(order)], scores[i, : len(order)] = order, total[order]
    return rows, scores


def assert_equal(hits: Hits, expected: tuple[np.ndarray, np.ndarray]) -> None:
    np.testing.assert_array_equal(hits.rows, expected[0])
    np.testing.assert_array_equal(hits.scores, expected[1])


def built(documents: np.ndarray, **settings_) -> InvertedIndex:
    index = InvertedIndex(settings_.pop("similarity", Dot()), **settings_)
    index.build(sparse(documents))
    return index


@st.composite
def problems(draw):
    """Documents and queries with many ties, zeros, empty rows, and weights that are mostly positive."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    documents, terms, queries = draw(st.integers(1, 90)), draw(st.integers(1, 12)), draw(st.integers(0, 5))
    values = draw(st.sampled_from([[1.0], [0.5, 1.0, 2.0], [0.1, 0.3, 0.7, 1e-3], [-1.0, 1.0, 0.3], [-0.25, -3.0]]))
    density = draw(st.sampled_from([0.02, 0.3, 0.9]))

    def matrix(count: int) -> np.ndarray:
        filled = generator.choice(np.array(values, np.float32), (count, terms))
        return np.where(generator.random((count, terms)) < density, filled, np.float32(0))

    return matrix(documents), matrix(queries)


@settings(max_examples=300, deadline=None)
@given(problems(), st.sampled_from([1, 2, 5, 31, 33, 200]), st.sampled_from([1, 3, 16, 64, 32768]))
def test_equals_brute_force(problem, k, block):
    documents, queries = problem
    assert_equal(built(documents, block=block).search(sparse(queries), k), brute_force(documents, queries, k))


@settings(max_examples=40, deadline=None)
@given(problems(), st.sampled_from([1, 10, 100]))
def test_a_query_alone_in_a_batch_or_with_threads_is_the_same(problem, k):
    documents, queries = problem
    together = built(documents).search(sparse(queries), k)
    for i in range(len(queries)):
        alone = built(documents, threads=2).search(sparse(queries[i : i + 1]), k)
        np.testing.assert_array_equal(alone.rows[0], together.rows[i])
        np.testing.assert_array_equal(alone.scores[0], together.scores[i])
    threaded = built(documents, threads=3).search(sparse(queries), k)
    np.testing.assert_array_equal(threaded.rows, together.rows)


@settings(max_examples=100, deadline=None)
@given(problems(), st.sampled_from([1, 5, 33]), st.sampled_from(["float64", "float32"]))
def test_impacts_in_fewer_bytes_give_the_same_scores(problem, k, accumulators):
    documents, queries = problem
    narrow = built(documents, storage="narrow", accumulators=accumulators)
    hits = narrow.search(sparse(queries), k)
    assert_equal(built(documents, accumulators=accumulators).search(sparse(queries), k), (hits.rows, hits.scores))


@pytest.mark.parametrize(
    ("values", "kind"),
    [([1, 255], np.uint8), ([1, 256], np.float16), ([0.5, 1.25], np.float16), ([0.1, 1], np.float32),
     ([1, 70_000], np.float32), ([-1, 1], np.float32)],
)  # fmt: skip
def test_impacts_are_kept_in_as_few_bytes_as_hold_them(values, kind, tmp_path):
    documents = np.array([values], np.float32).T.reshape(-1, 1)
    index = built(documents, storage="narrow")
    index.save(tmp_path)
    assert np.load(tmp_path / "impacts.npy").dtype == kind
    for storage in ("float32", "narrow"):  # what is saved serves both
        loaded = InvertedIndex(Dot(), storage=storage)
        loaded.load(tmp_path)
        assert_equal(loaded.search(sparse(np.ones((1, 1))), 9), brute_force(documents, np.ones((1, 1)), 9))


@pytest.fixture(scope="module")
def many() -> tuple[np.ndarray, np.ndarray]:
    """20,000 documents over several blocks; Zipfian terms, whole weights, so that ties abound."""
    generator = np.random.default_rng(5)
    rates = 0.5 / np.arange(1, 31)
    documents = generator.integers(1, 9, (20_000, 30)) * (generator.random((20_000, 30)) < rates)
    queries = generator.integers(1, 3, (12, 30)) * (generator.random((12, 30)) < 0.25)
    return documents.astype(np.float32), queries.astype(np.float32)


@pytest.mark.parametrize("k", [1, 9, 10, 11, 32, 33, 100, 999, 1000, 1001, 30_000])
@pytest.mark.parametrize("block", [4096, 32768])
def test_equals_brute_force_at_size(many, k, block):
    documents, queries = many
    assert_equal(built(documents, block=block).search(sparse(queries), k), brute_force(documents, queries, k))


def test_all_documents_tied_gives_the_lowest_rows():
    index = built(np.ones((10_000, 1), np.float32), block=1024)
    for k in (5, 500, 9_999):
        np.testing.assert_array_equal(index.search(sparse(np.ones((1, 1))), k).rows[0], np.arange(k))


def test_single_precision_accumulators_err_by_a_few_roundings(many):
    documents, queries = many
    documents = documents * np.float32(0.1)
    got = built(documents, accumulators="float32").search(sparse(queries), 100)
    expected = brute_force(documents, queries, 100)[1]
    found = np.isfinite(expected)
    np.testing.assert_allclose(got.scores[found], expected[found], rtol=1e-6)


def test_terms_are_matched_by_name_whatever_their_numbers():
    documents = np.array([[1, 2, 0], [0, 1, 3]], np.float32)  # a b c
    index = InvertedIndex(Dot())
    index.build(sparse(documents, ["a", "b", "c"]))
    hits = index.search(sparse(np.array([[5, 1, 7]]), ["nowhere", "c", "b"]), 10)
    assert hits.rows.tolist() == [[0, 1]]  # b·2·7 = 14; b·1·7 + c·3·1 = 10
    assert hits.scores.tolist() == [[14, 10]]


def test_unknown_terms_and_empty_queries_give_padding():
    index = built(np.eye(4, dtype=np.float32))
    hits = index.search(sparse(np.array([[1.0], [0.0]]), ["nowhere"]), 3)
    assert hits.rows.tolist() == [[-1] * 3] * 2
    assert index.search(sparse(np.zeros((0, 4))), 3).rows.shape == (0, 3)


def test_a_matching_document_with_score_zero_or_below_is_a_hit():
    documents = np.array([[1, -1], [-2, 0], [0, 0], [3, 0]], np.float32)
    hits = built(documents).search(sparse(np.array([[1, 1]])), 4)
    assert hits.rows.tolist() == [[3, 0, 1, -1]]
    assert hits.scores[0, :3].tolist() == [3, 0, -2]


def test_a_term_named_twice_in_a_query_counts_with_its_whole_weight():
    index = built(np.array([[2, 0], [0, 3]], np.float32))
    query = Sparse(np.array([0, 1, 0], np.int32), np.ones(3, np.float32), np.array([0, 3]), Strings.of(["t0", "t1"]))
    assert index.search(query, 2).scores.tolist() == [[4, 3]]


def test_statistics_count_the_work():
    index = built(np.array([[1, 1], [0, 2], [3, 0], [0, 0]], np.float32))
    with cost.ledger() as costs:
        index.search(sparse(np.array([[1, 1], [1, 0]])), 4)
    assert costs == index.statistics
    assert index.statistics == {"postings_read": 6, "documents_matched": 5, "documents_compared": 5}


def test_a_known_score_spares_comparisons(many):
    documents, _ = many
    index = built(documents)
    query = np.zeros((1, 30), np.float32)
    query[0, 0] = 1
    index.search(sparse(query), 10)
    assert index.statistics["documents_matched"] == np.count_nonzero(documents[:, 0])
    assert index.statistics["documents_compared"] < index.statistics["documents_matched"] / 4


@pytest.mark.parametrize("similarity", [Dot(), LuceneBM25(), BM25Plus(), RobertsonBM25()])
def test_saved_and_loaded_it_is_the_same(many, tmp_path, similarity):
    documents, queries = many
    index = built(documents, similarity=similarity)
    index.save(tmp_path)
    loaded = InvertedIndex(similarity)
    with cost.ledger() as costs:
        loaded.load(tmp_path)
    assert costs["index_bytes"] == sum(p.stat().st_size - 128 for p in tmp_path.iterdir())  # 128: an .npy header
    queries = queries * 3  # weights that are not powers of two
    assert_equal(loaded.search(sparse(queries), 50), (r := index.search(sparse(queries), 50)) and (r.rows, r.scores))


@pytest.mark.parametrize("count", [3, 5, 7, 11])
@pytest.mark.parametrize("threads", [1, 3])
def test_lucene_multiplies_the_term_weight_by_the_count_before_rounding(many, count, threads):
    documents, _ = many
    index = built(documents, similarity=LuceneBM25(), threads=threads)
    query = np.zeros((9, 30), np.float32)
    query[np.arange(9), np.arange(9)] = count
    hits = index.search(sparse(query), 100)
    lengths = documents.sum(1, dtype=np.float64)
    one = np.float32(1)
    norms = LuceneBM25().length_norms(lengths)
    for i in range(9):
        idf = LuceneBM25().term_weights(np.array([np.count_nonzero(documents[:, i])]), lengths)[0]
        weight = np.float32(count) * idf
        scores = weight - weight / (one + documents[:, i] * norms)
        scores[documents[:, i] == 0] = -1
        np.testing.assert_array_equal(hits.scores[i], np.sort(scores)[::-1][:100])


def test_a_robertson_term_of_no_weight_still_matches():
    documents = np.array([[1, 0], [2, 0], [1, 1]], np.float32)  # the first term is everywhere: its weight is 0
    hits = built(documents, similarity=RobertsonBM25()).search(sparse(np.array([[1, 0]])), 5)
    assert hits.rows.tolist() == [[0, 1, 2]]
    assert hits.scores.tolist() == [[0, 0, 0]]


@pytest.mark.parametrize(
    ("weights", "similarity", "message"),
    [
        ([[np.nan, 1]], Dot(), "NaN"),
        ([[np.inf, 1]], Dot(), "infinite"),
        ([[-1, 1]], LuceneBM25(), "negative"),
        ([[0.5, 1]], LuceneBM25(), "whole"),
    ],
)
def test_bad_weights_are_refused(weights, similarity, message):
    with pytest.raises(InputError, match=message):
        built(np.array(weights, np.float32), similarity=similarity)


def test_misuse_is_refused():
    with pytest.raises(InputError, match="before build"):
        InvertedIndex(Dot()).search(sparse(np.ones((1, 1))), 1)
    index = built(np.ones((2, 2), np.float32))
    with pytest.raises(InputError, match="0"):
        index.search(sparse(np.ones((1, 2))), 0)
    with pytest.raises(InputError, match="NaN"):
        index.search(sparse(np.array([[np.nan, 1.0]])), 1)
    twice = Sparse(np.array([1, 1], np.int32), np.ones(2, np.float32), np.array([0, 2]), Strings.of(["a", "b"]))
    with pytest.raises(InputError, match="twice"):
        InvertedIndex(Dot()).build(twice)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3000), st.integers(1, 1200), st.sampled_from([1, 5, 10**6]))
def test_selection_equals_sorting(seed, count, k, distinct):
    generator = np.random.default_rng(seed)
    scores = (generator.integers(-distinct, distinct, count) / 7).astype(np.float32)
    keys = np.array([inverted.key_of(s, i) for i, s in enumerate(scores)], np.uint64)
    kept = inverted.largest(keys, count, k, np.empty_like(keys), np.empty(inverted.BINS + 1, np.int64))
    order = np.lexsort((np.arange(count), -scores))[:k]
    assert kept == len(order)
    assert [inverted.score_of(key) for key in keys[:kept]] == scores[order].tolist()
    np.testing.assert_array_equal(inverted.LOW - (keys[:kept] & inverted.LOW), order.astype(np.uint64))


def test_best_impacts_are_the_kth_largest():
    generator = np.random.default_rng(3)
    lists = [generator.integers(0, 40, n).astype(np.float32) for n in (0, 3, 9, 10, 11, 250, 4000)]
    starts = np.cumsum([0, *map(len, lists)])
    best = postings.best_impacts(starts, np.concatenate(lists), np.array([10, 100, 1000]))
    for values, found in zip(lists, best, strict=True):
        assert found.tolist() == [
            float(np.sort(values)[::-1][d - 1]) if len(values) >= d else 0 for d in (10, 100, 1000)
        ]


@given(st.lists(st.integers(0, 50), max_size=40), st.integers(1, 7), st.integers(1, 60))
def test_batches_cover_everything_in_order_and_stay_small(costs, size, most):
    batches = batching.batches(np.array(costs, np.int64), size, most)
    assert [i for begin, end in batches for i in range(begin, end)] == list(range(len(costs)))
    for begin, end in batches:
        assert end - begin <= size
        assert sum(costs[begin + 1 : end]) <= most


@pytest.mark.parametrize("similarity", [Dot(), LuceneBM25(), BM25Plus(), RobertsonBM25()])
def test_an_explanation_adds_up_to_the_score(many, similarity):
    documents, queries = many
    queries = np.rint(np.abs(queries[:6]) * 3)  # counts, so that some are computed anew
    index = built(documents, similarity=similarity)
    hits = index.search(sparse(queries), 20)
    for i in range(len(queries)):
        rows = hits.rows[i][hits.rows[i] >= 0]
        for row, score, matches in zip(
            rows, hits.scores[i], index.explain(sparse(queries[i : i + 1]), rows.tolist()), strict=False
        ):
            assert sum(m.score for m in matches) == pytest.approx(score, rel=1e-6, abs=1e-6)
            shared = {f"t{t}" for t in np.flatnonzero((queries[i] != 0) & (documents[row] != 0))}
            assert shared <= {m.term for m in matches} <= {f"t{t}" for t in np.flatnonzero(queries[i])}
            for m in matches:
                assert m.query_weight == queries[i][int(m.term[1:])]
                if similarity.scales:
                    assert m.query_weight * m.document_weight == pytest.approx(m.score)
                else:
                    assert m.document_weight == documents[row][int(m.term[1:])]


def test_a_document_without_query_terms_has_an_empty_explanation():
    index = built(np.array([[1, 0], [0, 2]], np.float32))
    assert index.explain(sparse(np.array([[3.0, 0]])), [1, 0]) == [[], [Match("t0", 3.0, 1.0, 3.0)]]
