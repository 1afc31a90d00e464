"""Residual codes against a plain numpy version of ColBERTv2's rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels.residual import decode, pack
from ir_bench.transforms.residual_codec import ResidualCodec
from ir_bench.types import MultiVector, Strings


def vectors(lengths, dims: int = 32, seed: int = 0, dtype: type = np.float32) -> MultiVector:
    random = np.random.default_rng(seed)
    topics = np.random.default_rng(99).standard_normal((12, dims))
    values = topics[random.integers(0, 12, sum(lengths))] + 0.4 * random.standard_normal((sum(lengths), dims))
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return MultiVector(values.astype(dtype), np.cumsum([0, *lengths]))


def fitted(documents: MultiVector, **settings) -> ResidualCodec:
    codec = ResidualCodec(**settings)
    codec.fit(documents)
    return codec


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_each_value_is_that_of_its_bucket_around_the_nearest_centroid(bits):
    documents = vectors([40, 0, 60, 1])
    transform = fitted(documents, bits=bits, centroids=8, renormalise=False)
    codec = transform._codec
    codes = np.argmax(documents.values @ codec.centroids.T, axis=1)
    residuals = documents.values - codec.centroids[codes]
    np.testing.assert_allclose(np.linalg.norm(codec.centroids, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(codec.cutoffs, np.quantile(residuals, np.arange(1, 2**bits) / 2**bits), atol=1e-6)
    np.testing.assert_allclose(codec.weights, np.quantile(residuals, (np.arange(2**bits) + 0.5) / 2**bits), atol=1e-6)
    expected = codec.centroids[codes] + codec.weights[(residuals[..., None] >= codec.cutoffs).sum(-1)]
    got = transform.documents(documents)
    np.testing.assert_allclose(got.values, expected, atol=1e-6)
    np.testing.assert_array_equal(got.offsets, documents.offsets)


@given(st.sampled_from([1, 2, 4, 8]), st.integers(1, 19), st.integers(0, 2**32 - 1))
def test_packed_numbers_are_unpacked(bits, dims, seed):
    numbers = np.random.default_rng(seed).integers(0, 2**bits, (5, dims)).astype(np.uint8)
    packed = pack(numbers, bits)
    assert packed.shape == (5, -(-dims * bits // 8))
    back = np.empty((5, dims), np.float32)
    weights = np.arange(2**bits, dtype=np.float32)
    decode(np.zeros(5, np.int32), packed, np.zeros((1, dims), np.float32), weights, bits, False, back)
    np.testing.assert_array_equal(back, numbers)


def test_more_bits_are_nearer_and_eight_are_within_a_hundredth():
    documents = vectors([500], dims=128)
    cosines = [
        float((fitted(documents, bits=b, centroids=16).documents(documents).values * documents.values).sum(1).mean())
        for b in (1, 2, 4, 8)
    ]
    assert cosines == sorted(cosines)
    assert cosines[-1] > 0.999


def test_no_bits_change_nothing_and_queries_stay():
    documents = vectors([3, 4])
    assert fitted(documents, bits=None).documents(documents) is documents
    assert fitted(documents).queries(documents) is documents


def test_keeps_tokens_number_format_and_what_was_saved(tmp_path):
    plain = vectors([3, 4], dtype=np.float16)
    documents = MultiVector(plain.values, plain.offsets, np.arange(7, dtype=np.int32), Strings.of("abcdefg"))
    codec = fitted(documents, centroids=2)
    got = codec.documents(documents)
    assert got.values.dtype == np.float16
    assert got.tokens is documents.tokens
    codec.save(tmp_path)
    again = ResidualCodec(centroids=2)
    again.load(tmp_path)
    np.testing.assert_array_equal(again.documents(documents).values, got.values)


def test_fewer_tokens_than_centroids_and_documents_without_tokens():
    documents = vectors([1, 0])
    codec = fitted(documents, centroids=64)
    assert len(codec._codec.centroids) == 1
    assert len(codec.documents(documents[1:]).values) == 0


def test_notes_compressed_bytes():
    documents = vectors([10])
    with cost.ledger() as notes:
        fitted(documents, bits=1, centroids=4).documents(documents)
    assert notes == {"compressed_bytes": 10 * (4 + 32 / 8)}


def test_hostile_input_is_told():
    with pytest.raises(InputError, match="residuals of 3 bits"):
        fitted(vectors([3]), bits=3)
    with pytest.raises(InputError, match="no document has a token vector"):
        fitted(vectors([0]))
    with pytest.raises(InputError, match="documents have 8 dimensions, the centroids 32"):
        fitted(vectors([5])).documents(vectors([5], dims=8))
    bad = vectors([2, 3])
    bad.values[4, 0] = np.inf
    with pytest.raises(InputError, match="NaN or infinite"):
        fitted(bad)
    with pytest.raises(InputError, match="a vector of document 1 has NaN"):
        fitted(vectors([5])).documents(bad)
