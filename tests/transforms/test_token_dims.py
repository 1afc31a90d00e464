"""Fewer dimensions of token vectors: the first ones, and principal directions."""

from __future__ import annotations

import numpy as np
import pytest

from ir_bench.errors import InputError
from ir_bench.scoring import maxsim
from ir_bench.transforms.token_pca import TokenPCA
from ir_bench.transforms.token_truncate import TokenTruncate
from ir_bench.types import MultiVector, Strings


def vectors(lengths, dims: int = 12, seed: int = 0, dtype: type = np.float32) -> MultiVector:
    random = np.random.default_rng(seed)
    values = random.standard_normal((sum(lengths), dims)) * np.linspace(3, 0.1, dims)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    tokens = np.arange(sum(lengths), dtype=np.int32)
    names = Strings.of(map(str, tokens.tolist()))
    return MultiVector(values.astype(dtype), np.cumsum([0, *lengths]), tokens, names)


DOCUMENTS, QUERIES = vectors([5, 0, 30]), vectors([3, 4], seed=1)


def fitted(**settings) -> TokenPCA:
    transform = TokenPCA(**settings)
    transform.fit(DOCUMENTS)
    return transform


def test_truncation_keeps_the_first_dims_at_length_one():
    got = TokenTruncate(4).documents(DOCUMENTS)
    expected = DOCUMENTS.values[:, :4] / np.linalg.norm(DOCUMENTS.values[:, :4], axis=1, keepdims=True)
    np.testing.assert_allclose(got.values, expected, atol=1e-6)
    assert got.tokens is DOCUMENTS.tokens
    np.testing.assert_array_equal(TokenTruncate(4, renormalise=False).queries(QUERIES).values, QUERIES.values[:, :4])
    assert TokenTruncate(4).documents(vectors([3], dtype=np.float16)).values.dtype == np.float16


@pytest.mark.parametrize("dims", [None, 12])
def test_all_dims_change_nothing(dims):
    assert TokenTruncate(dims).documents(DOCUMENTS) is DOCUMENTS
    assert fitted(dims=None).documents(DOCUMENTS) is DOCUMENTS


def test_all_principal_directions_keep_maxsim():
    pca = fitted(dims=12)
    np.testing.assert_allclose(
        maxsim(pca.queries(QUERIES), pca.documents(DOCUMENTS)), maxsim(QUERIES, DOCUMENTS), atol=1e-5
    )


def test_directions_are_those_of_a_singular_value_decomposition_and_nested():
    ours = fitted(dims=5)._directions
    theirs = np.linalg.svd(DOCUMENTS.values.astype(float), full_matrices=False)[2][:5].T
    np.testing.assert_allclose(np.abs((ours * theirs).sum(0)), 1, atol=1e-5)
    np.testing.assert_allclose(fitted(dims=3)._directions, ours[:, :3], atol=1e-6)
    unit = fitted(dims=3).documents(DOCUMENTS).values
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-5)


def test_saved_and_loaded(tmp_path):
    pca = fitted(dims=3)
    pca.save(tmp_path)
    again = TokenPCA(dims=3)
    again.load(tmp_path)
    np.testing.assert_array_equal(again.documents(DOCUMENTS).values, pca.documents(DOCUMENTS).values)


def test_hostile_input_is_told():
    for dims in (0, 13):
        with pytest.raises(InputError, match="dimensions are asked of"):
            TokenTruncate(dims).documents(DOCUMENTS)
        with pytest.raises(InputError, match="dimensions are asked of"):
            fitted(dims=dims)
    with pytest.raises(InputError, match="those fitted had 12"):
        fitted(dims=3).queries(vectors([2], dims=5))
    bad = vectors([1, 2])
    bad.values[2, 0] = np.nan
    with pytest.raises(InputError, match="a vector of document 1 has NaN"):
        TokenPCA(dims=2).fit(bad)
    assert len(fitted(dims=3).documents(vectors([0])).values) == 0
