"""Token pooling against scipy's linkage and cut, and sentence-transformers' own pooling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels import clusters
from ir_bench.transforms.token_pool import TokenPool
from ir_bench.types import MultiVector, Strings


def clustered(lengths, dims: int = 16, seed: int = 0, dtype: type = np.float32) -> MultiVector:
    """Tokens around a few topics, of length 1."""
    random = np.random.default_rng(seed)
    topics = random.standard_normal((8, dims))
    values = topics[random.integers(0, 8, sum(lengths))] + 0.7 * random.standard_normal((sum(lengths), dims))
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return MultiVector(values.astype(dtype), np.cumsum([0, *lengths]))


def same_clusters(a, b) -> bool:
    return len(set(a)) == len(set(b)) == len(set(zip(a, b, strict=True)))


@given(st.integers(2, 70), st.integers(1, 80), st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=60)
def test_ward_is_scipys(n, kept, seed, rows):
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist, squareform

    tokens = clustered([n], seed=seed).values
    distances = clusters.cosine_distances(tokens @ tokens.T)
    theirs = linkage(pdist(distances) if rows else squareform(distances), method="ward")
    expected = fcluster(theirs, t=kept, criterion="maxclust")
    squared = ((distances[:, None] - distances) ** 2).sum(-1) if rows else distances**2
    assert same_clusters(clusters.ward(squared, kept), expected)


def test_equal_vectors_are_merged_and_tied_heights_give_fewer_clusters():
    tokens = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    assert clusters.ward(clusters.cosine_distances(tokens @ tokens.T) ** 2, 7).tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert clusters.ward(np.zeros((5, 5)), 5).tolist() == [0, 1, 2, 3, 4]
    assert clusters.ward(np.zeros((1, 1)), 1).tolist() == [0]


@pytest.mark.parametrize(("factor", "protected", "renormalise"), [(2, 1, True), (3, 0, False), (1.5, 2, False)])
def test_pools_as_sentence_transformers(factor, protected, renormalise):
    import torch
    from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling

    documents = clustered([1, 2, 3, 7, 40, 131])
    theirs = HierarchicalTokenPooling(factor, num_protected_tokens=protected, normalize_embeddings=renormalise)
    expected = theirs.pool([torch.from_numpy(documents.row(i)) for i in range(len(documents))])
    ours = TokenPool(factor, protected=protected, renormalise=renormalise).documents(documents)
    for i, tensor in enumerate(expected):
        a, b = ours.row(i), tensor.numpy()
        assert a.shape == b.shape
        np.testing.assert_allclose(a[:protected], b[:protected], atol=1e-6)
        near = np.abs(a[:, None] - b).max(-1) < 1e-5  # the clusters are in another order
        assert (near.sum(0) == 1).all()
        assert (near.sum(1) == 1).all()


@pytest.mark.parametrize("method", ["ward", "kmeans", "sequential"])
@given(
    lengths=st.lists(st.integers(0, 40), max_size=5),
    factor=st.sampled_from([1.5, 2, 3, 6]),
    protected=st.integers(0, 2),
)
@settings(max_examples=15)
def test_counts_means_and_what_is_protected(method, lengths, factor, protected):
    documents = clustered(lengths)
    pooled = TokenPool(factor, method, protected, renormalise=False).documents(documents)
    assert len(pooled) == len(lengths)
    for i, n in enumerate(lengths):
        before, after = documents.row(i), pooled.row(i)
        rest = max(n - protected, 0)
        kept = min(n, protected) + (max(int(rest // factor), 1) if rest else 0)
        assert len(after) <= kept
        assert len(after) == kept or method == "kmeans"
        np.testing.assert_array_equal(after[:protected], before[:protected])
        if method == "sequential" and rest:
            blocks = np.split(
                before[protected:], np.flatnonzero(np.diff(np.arange(rest) * max(int(rest // factor), 1) // rest)) + 1
            )
            np.testing.assert_allclose(after[protected:], [b.mean(0) for b in blocks], atol=1e-6)


def test_kmeans_ends_where_every_token_is_nearest_its_own_mean():
    tokens = clustered([80]).values
    labels = clusters.spherical(tokens, 8, 100)
    means = clusters.means(tokens, labels, True)
    np.testing.assert_array_equal(np.argmax(tokens @ means.T, 1), labels)


def test_a_factor_of_one_changes_nothing_and_queries_stay():
    vocabulary = Strings.of(["a", "b"])
    named = MultiVector(clustered([3]).values, np.array([0, 3]), np.array([0, 1, 0], np.int32), vocabulary)
    assert TokenPool(1).documents(named) is named
    assert TokenPool(2).queries(named) is named
    assert TokenPool(2).documents(named).tokens is None


def test_batches_threads_and_number_format_do_not_change_the_clusters():
    documents = clustered([30, 0, 1, 17, 64], dtype=np.float16)
    whole = TokenPool(3).documents(documents)
    assert whole.values.dtype == np.float16
    parts = [TokenPool(3, threads=2).documents(documents[i : i + 2]) for i in (0, 2, 4)]
    np.testing.assert_array_equal(np.concatenate([p.values for p in parts]), whole.values)
    np.testing.assert_allclose(np.linalg.norm(whole.values.astype(float), axis=1), 1, atol=2e-3)


def test_a_long_document_is_pooled_in_windows():
    documents = clustered([1001])
    pooled = TokenPool(2, protected=1, window=300).documents(documents)
    assert len(pooled.values) == 1 + 500
    first = MultiVector(documents.values[:251], np.array([0, 251]))  # 1000 tokens in 4 windows of 250
    np.testing.assert_array_equal(TokenPool(2).documents(first).values, pooled.values[:126])


def test_opposite_tokens_give_a_mean_of_zeros_and_no_warning():
    values = np.array([[1, 0], [1, 0], [-1, 0]], np.float32)
    pooled = TokenPool(2).documents(MultiVector(values, np.array([0, 3])))
    assert pooled.values.tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_named(value):
    documents = clustered([2, 3])
    documents.values[4, 1] = value
    with pytest.raises(InputError, match="a vector of document 1 has NaN or infinite values"):
        TokenPool(2).documents(documents)


@pytest.mark.parametrize("settings", [{"factor": 0.5}, {"factor": np.nan}, {"method": "median"}, {"distances": "l1"}])
def test_settings_that_make_no_sense_are_told(settings):
    with pytest.raises(InputError, match="token pooling by"):
        TokenPool(**settings)


def test_notes_how_many_vectors_are_left():
    with cost.ledger() as notes:
        TokenPool(2, "sequential", 0).documents(clustered([4, 6]))
    assert notes == {"tokens_read": 10, "tokens_kept": 5}
