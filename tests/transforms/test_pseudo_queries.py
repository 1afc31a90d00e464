"""Views of documents, and their scores by attention, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.indexes import attention_view
from ir_bench.indexes.attention_view import AttentionViewIndex
from ir_bench.scoring import maxsim
from ir_bench.transforms.pseudo_queries import PseudoQueries
from ir_bench.types import MultiVector


def vectors(lengths, seed: int = 0, dims: int = 5) -> MultiVector:
    values = np.random.default_rng(seed).standard_normal((sum(lengths), dims)).astype(np.float32)
    return MultiVector(values, np.cumsum([0, *lengths]))


def searched(documents: MultiVector, queries: MultiVector, sharpness: float) -> np.ndarray:
    index = AttentionViewIndex(sharpness)
    index.build(documents)
    hits = index.search(queries, len(documents))
    scores = np.full((len(queries), len(documents)), -np.inf)
    for i in range(len(queries)):
        found = hits.rows[i] >= 0
        scores[i, hits.rows[i][found]] = hits.scores[i][found]
    return scores


@given(st.lists(st.integers(0, 4), min_size=1, max_size=9), st.lists(st.integers(0, 3), min_size=1, max_size=4))
def test_attention_is_a_loop_over_views(lengths, asked):
    documents, queries = vectors(lengths), vectors(asked, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention_view, "ROWS", 3)
        got = searched(documents, queries, 2.0)
    for i in range(len(asked)):
        for j in range(len(lengths)):
            expected = -np.inf
            if asked[i] and lengths[j]:
                products = queries.row(i).astype(float) @ documents.row(j).astype(float).T
                weights = np.exp(2 * products) / np.exp(2 * products).sum(1, keepdims=True)
                expected = (weights * products).sum(1).mean()
            assert got[i, j] == pytest.approx(expected, abs=1e-5)


def test_its_limits_are_the_mean_and_the_largest():
    documents, queries = vectors([3, 4, 2]), vectors([1, 1], 1)
    means = [[(documents.row(j) @ queries.row(i)[0]).mean() for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(searched(documents, queries, 0), means, atol=1e-5)
    np.testing.assert_allclose(searched(documents, queries, 1e6), maxsim(queries, documents), atol=1e-5)


def test_views_are_means_of_length_one_and_one_view_is_the_mean_of_all():
    documents = vectors([30, 2, 0])
    got = PseudoQueries(4).documents(documents)
    assert np.diff(got.offsets).tolist() == [4, 2, 0]
    np.testing.assert_allclose(np.linalg.norm(got.values, axis=1), 1, atol=1e-5)
    for pooled in (PseudoQueries(1).documents(documents), PseudoQueries(4).queries(documents)):
        mean = documents.row(0).mean(0)
        np.testing.assert_allclose(pooled.row(0)[0], mean / np.linalg.norm(mean), atol=1e-5)


def test_hostile_input_is_told():
    with pytest.raises(InputError, match="0 views"):
        PseudoQueries(0)
    bad = vectors([2, 2])
    bad.values[3, 0] = np.nan
    with pytest.raises(InputError, match="a vector of document 1 has NaN"):
        PseudoQueries().documents(bad)
    with pytest.raises(InputError, match="a vector of document 1 has NaN"):
        AttentionViewIndex().build(bad)
    with pytest.raises(InputError, match="before build"):
        AttentionViewIndex().search(vectors([1]), 1)
    with pytest.raises(InputError, match="queries have 4 dimensions, the documents 5"):
        searched(vectors([2]), vectors([1], dims=4), 1)
