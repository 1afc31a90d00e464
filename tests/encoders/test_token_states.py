"""Token vectors of bi-encoders against transformers' own hidden states."""

from __future__ import annotations

import numpy as np
import pytest

from ir_bench.encoders.token_states import TokenStatesEncoder
from ir_bench.errors import InputError
from ir_bench.fingerprint import fingerprint
from ir_bench.types import Corpus, MultiVector

TEXTS = ["the cat sat on the mat", "", "dogs", "a fast wing flow " * 9, "[SEP] passage xyzzy"]


def states(folder, text: str, special: bool = True) -> np.ndarray:
    """Hidden states of one text alone, so nothing is padded, normalised in float64."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt", truncation=True, max_length=32)
    with torch.inference_mode():
        found = AutoModel.from_pretrained(folder).eval()(**tokens).last_hidden_state[0].double().numpy()
    keep = np.array([special or token not in (2, 3) for token in tokens["input_ids"][0].tolist()])
    return found[keep] / np.linalg.norm(found[keep], axis=1, keepdims=True)


def rows(vectors: MultiVector) -> list[np.ndarray]:
    return [vectors.row(i) for i in range(len(vectors))]


@pytest.mark.parametrize("batch_tokens", [1, 60, None])
@pytest.mark.parametrize("special", [True, False])
def test_equals_the_normalised_hidden_states(checkpoint, bare_bert, special, batch_tokens):
    folder = str(checkpoint())
    encoder = TokenStatesEncoder(folder, special_tokens=special, storage="float32", batch_tokens=batch_tokens)
    for vectors in (encoder.encode_documents(TEXTS), encoder.encode_queries(TEXTS)):
        for text, found in zip(TEXTS, rows(vectors), strict=True):
            np.testing.assert_allclose(found, states(bare_bert, text, special), atol=1e-5)


def test_without_special_tokens_an_empty_text_has_no_vector_and_unknown_words_have(checkpoint):
    encoder = TokenStatesEncoder(str(checkpoint()), special_tokens=False)
    assert np.diff(encoder.encode_documents(["", "xyzzy", "cat"]).offsets).tolist() == [0, 1, 1]
    assert encoder.encode_documents([""]).values.shape == (0, 16)
    assert len(encoder.encode_queries([])) == 0


def test_every_vector_knows_its_token(checkpoint):
    found = TokenStatesEncoder(str(checkpoint())).encode_documents(["the cat sat", "", "cat"])
    tokens = found.vocabulary.take(found.tokens)
    assert tokens == ["[CLS]", "the", "cat", "sat", "[SEP]", "[CLS]", "[SEP]", "[CLS]", "cat", "[SEP]"]
    bare = TokenStatesEncoder(str(checkpoint()), special_tokens=False).encode_documents(["the cat sat"])
    assert bare.vocabulary.take(bare.tokens) == ["the", "cat", "sat"]


def test_a_bare_checkpoint_needs_no_pooling(bare_bert):
    found = TokenStatesEncoder(str(bare_bert)).encode_queries(["the cat"])
    np.testing.assert_allclose(found.values, states(bare_bert, "the cat"), atol=1e-5)


def test_prompts_limits_and_storage(checkpoint):
    folder = str(checkpoint(prompts={"query": "query: ", "passage": "passage: "}))
    encoder = TokenStatesEncoder(folder, document_tokens=6)
    assert np.diff(encoder.encode_queries(["cat"]).offsets).tolist() == [5]  # [CLS] query : cat [SEP]
    documents = encoder.encode_documents(["cat " * 40])
    assert (documents.values.shape, documents.values.dtype) == ((6, 16), np.float16)
    encoder.fit(Corpus("c", "c", lambda: iter(()), 0, document_tokens=9))
    assert len(encoder.encode_documents(["cat " * 40]).values) == 9
    assert fingerprint(encoder) == fingerprint(TokenStatesEncoder(folder, document_tokens=6, threads=1))
    assert fingerprint(encoder) != fingerprint(TokenStatesEncoder(folder, document_tokens=6, special_tokens=False))


def test_models_without_token_vectors_are_refused(tmp_path, bare_bert, bare_mlm):
    from sentence_transformers import SentenceTransformer, SparseEncoder
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    module = StaticEmbedding(Tokenizer.from_file(str(bare_bert / "tokenizer.json")), embedding_dim=8)
    SentenceTransformer(modules=[module], device="cpu").save_pretrained(
        str(tmp_path / "static"), create_model_card=False
    )
    with pytest.raises(InputError, match="computes no token vectors"):
        TokenStatesEncoder(str(tmp_path / "static")).encode_queries(["cat"])
    SparseEncoder(str(bare_mlm), device="cpu").save_pretrained(str(tmp_path / "sparse"), create_model_card=False)
    with pytest.raises(InputError, match="is not a bi-encoder but a SparseEncoder"):
        TokenStatesEncoder(str(tmp_path / "sparse")).encode_queries(["cat"])


@pytest.mark.slow
def test_several_devices_give_the_same_vectors(checkpoint):
    folder = str(checkpoint())
    one = TokenStatesEncoder(folder, special_tokens=False, storage="float32")
    two = TokenStatesEncoder(folder, special_tokens=False, storage="float32", device=["cpu", "cpu"])
    for ours, theirs in zip(rows(two.encode_documents(TEXTS)), rows(one.encode_documents(TEXTS)), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
