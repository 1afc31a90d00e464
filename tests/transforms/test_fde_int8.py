"""Encodings by whole numbers against those of the same matrices and the rounded tokens in float32."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.fingerprint import fingerprint
from ir_bench.kernels.fde import encode
from ir_bench.kernels.maxsim import quantised
from ir_bench.scoring import maxsim
from ir_bench.transforms import fde_int8
from ir_bench.transforms.fde_int8 import Int8Encoding
from ir_bench.types import MultiVector


def tokens(lengths, dims: int, seed: int, dtype: type = np.float32) -> MultiVector:
    values = np.random.default_rng(seed).standard_normal((sum(lengths), dims))
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return MultiVector(values.astype(dtype), np.cumsum([0, *lengths]))


def in_float32(encoding: Int8Encoding, values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The float32 encoding of documents by the same matrices."""
    planes, projections = encoding.matrices(values.shape[1])
    regions = encoding.repetitions * 2**encoding.hyperplanes
    found = np.empty((len(offsets) - 1, regions * encoding.columns), np.float32)
    bad = encode(
        values.astype(np.float32), np.empty((0, values.shape[1]), np.uint16), offsets, planes, projections, False, True,
        encoding.fill, False, np.empty(0, np.int64), np.empty(0, np.float32), found,
    )  # fmt: skip
    assert bad == -1
    return found


@settings(deadline=None)
@given(
    st.integers(1, 4), st.integers(0, 5), st.integers(1, 9), st.booleans(),
    st.lists(st.integers(0, 30), min_size=1, max_size=9), st.integers(0, 99),
)  # fmt: skip
def test_equals_the_float32_encoding_of_the_rounded_tokens(repetitions, hyperplanes, columns, fill, lengths, seed):
    encoding = Int8Encoding(repetitions, hyperplanes, columns, fill, seed)
    given_tokens = tokens(lengths, 24, seed)
    numbers, _ = quantised(given_tokens.values)
    scales = np.float32(2.0) ** -np.random.default_rng(seed).integers(5, 9, len(numbers))  # exact in float32
    rounded = numbers.astype(np.float32) * scales[:, None]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fde_int8, "TOKENS", 32)
        found = encoding.rounded_documents(numbers, scales.astype(np.float32), given_tokens.offsets).values
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, in_float32(encoding, rounded, given_tokens.offsets), atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_documents_are_rounded_first(dtype):
    encoding, vectors = Int8Encoding(3, 3, 4), tokens([5, 0, 2500, 7], 16, 1, dtype)
    found = encoding.documents(vectors)
    expected = encoding.rounded_documents(*quantised(vectors.values), vectors.offsets)
    np.testing.assert_array_equal(found.values, expected.values)
    assert not found.values[1].any()
    assert found.values[0].any()


def test_inner_products_estimate_maxsim_as_those_of_float32_do():
    queries, documents = tokens([6, 3], 64, 1), tokens([30] * 20, 64, 2)
    encoding = Int8Encoding(60, 4, 16)
    found = encoding.queries(queries).values @ encoding.documents(documents).values.T
    unrounded = encoding.queries(queries).values @ in_float32(encoding, documents.values, documents.offsets).T
    assert np.corrcoef(found.ravel(), unrounded.ravel())[0, 1] > 0.98  # a token close to a hyperplane may change sides
    exact = maxsim(queries, documents).ravel()
    ours, theirs = (np.corrcoef(scores.ravel(), exact)[0, 1] for scores in (found, unrounded))
    assert theirs > 0.4
    assert ours > theirs - 0.05


def test_hyperplanes_are_whole_numbers_and_projections_signs():
    planes, projections = Int8Encoding(2, 3, 4).matrices(50)
    assert planes.shape == (50, 6)
    assert np.array_equal(planes, np.rint(planes))
    assert 25 < planes.std() < 40
    assert projections.shape == (2, 50, 4)
    assert set(np.unique(projections)) == {-0.5, 0.5}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_named(value):
    vectors = tokens([3, 0, 4], 6, 1)
    vectors.values[5, 2] = value
    with pytest.raises(InputError, match="a vector of document 2 has NaN"):
        Int8Encoding(2, 2, 4).documents(vectors)
    with pytest.raises(InputError, match="a vector of query 2 has NaN"):
        Int8Encoding(2, 2, 4).queries(vectors)


def test_no_texts_have_no_encodings():
    for encoded in (
        Int8Encoding(2, 2, 4).documents(tokens([3], 6, 1)[:0]),
        Int8Encoding(2, 2, 4).queries(tokens([3], 6, 1)[:0]),
    ):
        assert encoded.values.shape == (0, 32)


@pytest.mark.parametrize("settings", [{"repetitions": 0}, {"hyperplanes": 17}, {"columns": 0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InputError):
        Int8Encoding(**settings)


def test_another_seed_is_another_encoding():
    vectors = tokens([4], 6, 1)
    one, other = Int8Encoding(seed=0), Int8Encoding(seed=1)
    assert fingerprint(one) != fingerprint(other)
    assert not np.allclose(one.documents(vectors).values, other.documents(vectors).values)
    with cost.ledger() as notes:
        one.documents(tokens([3, 4], 6, 1))
    assert notes["tokens_encoded"] == 7
