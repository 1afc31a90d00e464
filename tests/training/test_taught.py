"""Inverse document frequencies by a model's own tokenizer."""

from __future__ import annotations

import math

import pytest
from contracts import MINILM, bag_of_tokens

from ir_bench.errors import InputError
from ir_bench.training.taught import inverse_document_frequencies


def test_idf_by_hand() -> None:
    from sentence_transformers import SparseEncoder

    model = SparseEncoder(str(bag_of_tokens()), device="cpu")
    idf = inverse_document_frequencies(model, ["tide tide moon", "tide", "bread"])
    found = {word: idf[model.tokenizer.convert_tokens_to_ids(word)].item() for word in ("tide", "moon", "harbour")}
    assert found["tide"] == pytest.approx(math.log(1 + 1.5 / 2.5))  # in two of three texts
    assert found["moon"] == pytest.approx(math.log(1 + 2.5 / 1.5))
    assert found["harbour"] == 1  # in none
    assert (idf > 0).all()


def test_a_dense_model_has_no_terms() -> None:
    from sentence_transformers import SentenceTransformer

    from ir_bench import models

    with pytest.raises(InputError, match="384 dimensions for 30522 tokens"):
        inverse_document_frequencies(SentenceTransformer(str(models.folder(MINILM)), device="cpu"), ["tide"])
