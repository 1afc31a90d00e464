"""Principal components against scikit-learn's decompositions, and at their exact limit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA, TruncatedSVD

from ir_bench.errors import InputError
from ir_bench.transforms.pca import PrincipalComponents
from ir_bench.types import Dense


def vectors(rows: int = 60, dims: int = 8, seed: int = 0) -> Dense:
    drawn = np.random.default_rng(seed)
    return Dense((drawn.standard_normal((rows, dims)) * np.arange(1, dims + 1) + 2).astype(np.float32))


def fitted(documents: Dense, **given) -> PrincipalComponents:
    transform = PrincipalComponents(**given)
    transform.fit(documents)
    return transform


@pytest.mark.parametrize("centre", [True, False])
def test_equals_scikit_learn_up_to_signs(centre):
    documents, queries = vectors(), vectors(5, seed=1)
    theirs = PCA(3) if centre else TruncatedSVD(3, algorithm="arpack")
    theirs.fit(documents.values.astype(np.float64))
    transform = fitted(documents, dimensions=3, centre=centre)
    for some in (documents, queries):
        expected = theirs.transform(some.values.astype(np.float64))
        np.testing.assert_allclose(np.abs(transform.queries(some).values), np.abs(expected), atol=1e-4)


@settings(max_examples=20)
@given(st.integers(1, 7), st.integers(0, 99))
def test_all_components_keep_inner_products(dims, seed):
    documents, queries = vectors(20, dims, seed), vectors(4, dims, seed + 1)
    transform = fitted(documents, dimensions=dims)
    found = transform.queries(queries).values @ transform.documents(documents).values.T
    np.testing.assert_allclose(found, queries.values @ documents.values.T, rtol=1e-4, atol=1e-3)


def test_none_is_unchanged_and_length_one_is_one(tmp_path):
    documents = vectors()
    assert fitted(documents).documents(documents) is documents
    transform = fitted(documents, dimensions=2, normalise=True)
    np.testing.assert_allclose(np.linalg.norm(transform.documents(documents).values, axis=1), 1, rtol=1e-5)
    transform.save(tmp_path)
    again = PrincipalComponents(2, normalise=True)
    again.load(tmp_path)
    np.testing.assert_array_equal(again.queries(documents).values, transform.queries(documents).values)


def test_errors_say_what_is_wrong():
    with pytest.raises(InputError, match="9 principal components of vectors of 8"):
        fitted(vectors(), dimensions=9)
    with pytest.raises(InputError, match="before fit"):
        PrincipalComponents(2).documents(vectors())
    with pytest.raises(InputError, match="vectors of 7 dimensions, the components are of 8"):
        fitted(vectors(), dimensions=2).queries(vectors(3, 7))
    bad = vectors()
    bad.values[3, 1] = np.nan
    with pytest.raises(InputError, match="document 3 has NaN"):
        fitted(bad, dimensions=2)
