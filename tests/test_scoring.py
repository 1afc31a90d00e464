import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench import scoring
from ir_bench.errors import InputError
from ir_bench.scoring import best, maxsim, merge, require_depth, require_finite
from ir_bench.types import Hits, MultiVector


def oracle(row, k):
    return sorted(range(len(row)), key=lambda i: (-row[i], i))[:k]


SCORES = st.lists(st.integers(-2, 2).map(float), min_size=1, max_size=12)


@given(SCORES, st.integers(1, 15))
def test_best_is_a_full_sort_cut_at_k(row, k):
    hits = best(np.array([row], np.float32), k)
    assert hits.rows[0].tolist() == oracle(row, k)
    assert hits.scores[0].tolist() == [row[i] for i in hits.rows[0]]


@given(SCORES, st.integers(0, 12), st.integers(1, 15))
def test_merging_the_best_of_two_halves_is_the_best_of_the_whole(row, cut, k):
    cut = min(cut, len(row))
    parts = []
    for start, part in ((0, row[:cut]), (cut, row[cut:])):
        hits = best(np.array([part], np.float32), k) if part else None
        rows, scores = np.full((1, k), -1), np.full((1, k), -np.inf, np.float32)
        if hits is not None:
            rows[0, : hits.rows.shape[1]] = hits.rows[0] + start
            scores[0, : hits.rows.shape[1]] = hits.scores[0]
        parts.append(Hits(rows, scores))
    merged = merge(*parts, k)
    assert [r for r in merged.rows[0].tolist() if r >= 0] == oracle(row, k)


@pytest.mark.parametrize("k", [0, -1, 2.5, True, None])
def test_depth_must_be_a_whole_number_of_at_least_one(k):
    with pytest.raises(InputError, match="number of hits"):
        require_depth(k)


def test_a_vector_of_nan_is_named():
    values = np.zeros((3, 2))
    require_finite(values, "document")
    values[1, 1] = np.nan
    with pytest.raises(InputError, match="document 1"):
        require_finite(values, "document")
    with pytest.raises(InputError, match="document 2"):
        require_finite(values, "document", np.array([0, 1, 1, 3]))  # the text, which has rows 1 and 2


def ragged(lengths: list[int], dims: int, random: np.random.Generator, dtype: type = np.float32) -> MultiVector:
    values = random.standard_normal((sum(lengths), dims)).astype(dtype)
    return MultiVector(values, np.cumsum([0, *lengths]))


def maxsim_by_hand(queries: MultiVector, documents: MultiVector) -> list[list[float]]:
    """Three loops in float64; -inf where there is nothing to compare."""
    scores = []
    for i in range(len(queries)):
        row = []
        for j in range(len(documents)):
            total = 0.0 if len(queries.row(i)) and len(documents.row(j)) else -np.inf
            for q in queries.row(i).astype(np.float64) if total == 0 else []:
                total += max(float(q @ d) for d in documents.row(j).astype(np.float64))
            row.append(total)
        scores.append(row)
    return scores


LENGTHS = st.lists(st.integers(0, 5), min_size=0, max_size=6)


@given(LENGTHS, LENGTHS, st.integers(1, 4), st.sampled_from([np.float32, np.float16]), st.integers(0, 2**32 - 1))
def test_maxsim_is_three_loops_whatever_the_blocks(queries, documents, dims, dtype, seed):
    random = np.random.default_rng(seed)
    q, d = ragged(queries, dims, random), ragged(documents, dims, random, dtype)
    expected = np.array(maxsim_by_hand(q, d)).reshape(len(queries), len(documents))
    for tokens in ((1024, 512), (4, 3)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scoring, "DOCUMENT_TOKENS", tokens[0])
            patch.setattr(scoring, "QUERY_TOKENS", tokens[1])
            scores = maxsim(q, d)
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)


def test_nothing_but_a_documents_own_tokens_is_compared():
    query = MultiVector(np.array([[1.0, 0.0]], np.float32), np.array([0, 1]))
    # by padding with zeros the first document would score 0, and with its neighbour's token 1
    documents = MultiVector(np.array([[-1.0, 0], [-0.5, 0], [1, 0]], np.float32), np.array([0, 2, 3]))
    assert maxsim(query, documents).tolist() == [[-0.5, 1.0]]


def test_maxsim_of_long_texts_equals_that_of_their_parts():
    random = np.random.default_rng(0)
    query, document = ragged([700], 8, random), ragged([3000], 8, random)  # beyond both blocks
    products = query.values.astype(np.float64) @ document.values.T.astype(np.float64)
    np.testing.assert_allclose(maxsim(query, document), [[products.max(axis=1).sum()]], rtol=1e-5)


def test_maxsim_of_other_dimensions_is_an_error():
    random = np.random.default_rng(0)
    with pytest.raises(InputError, match="queries have 3 dimensions, the documents 4"):
        maxsim(ragged([1], 3, random), ragged([1], 4, random))
