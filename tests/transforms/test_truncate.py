"""The first dimensions, against sentence-transformers' own truncation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers.util import truncate_embeddings
from torch.nn.functional import normalize

from ir_bench.errors import InputError
from ir_bench.transforms.truncate import Truncate
from ir_bench.types import Dense


@settings(max_examples=25)
@given(st.integers(1, 8), st.booleans(), st.integers(0, 99))
def test_equals_the_librarys(dimensions, normalised, seed):
    vectors = Dense(np.random.default_rng(seed).standard_normal((5, 8)).astype(np.float32))
    expected = truncate_embeddings(torch.from_numpy(vectors.values), dimensions)
    expected = normalize(expected, dim=1) if normalised else expected
    transform = Truncate(dimensions, normalise=normalised)
    np.testing.assert_allclose(transform.documents(vectors).values, expected.numpy(), atol=1e-6)
    np.testing.assert_array_equal(transform.queries(vectors).values, transform.documents(vectors).values)


def test_all_dimensions_are_the_vectors_themselves():
    vectors = Dense(np.ones((2, 3), np.float32))
    assert Truncate().documents(vectors) is vectors


def test_zeros_stay_zeros_and_too_many_dimensions_are_an_error():
    assert (Truncate(2).documents(Dense(np.array([[0, 0, 1]], np.float32))).values == 0).all()
    with pytest.raises(InputError, match="first 4 dimensions of vectors of 3"):
        Truncate(4).documents(Dense(np.ones((2, 3), np.float32)))
