"""The late-interaction encoder against sentence-transformers' own token vectors and MaxSim."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ir_bench.encoders.multi_vector_encoder import MultiVectorEncoder
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe, fingerprint
from ir_bench.scoring import maxsim
from ir_bench.types import Corpus, MultiVector

MARKERS = ["[unused0]", "[unused1]"]
TEXTS = ["the cat sat : on the mat", "", "dogs", "a fast wing flow " * 9, "passage : the dog ran", ":"]


def rows(vectors: MultiVector) -> list[np.ndarray]:
    return [vectors.row(i) for i in range(len(vectors))]


def original(folder: Path):
    from sentence_transformers import MultiVectorEncoder as Library

    return Library(str(folder), device="cpu")


def same(vectors: MultiVector, expected: list[np.ndarray], atol: float = 1e-5) -> None:
    assert [len(row) for row in rows(vectors)] == [len(row) for row in expected]
    for ours, theirs in zip(rows(vectors), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=atol)


@pytest.fixture
def late(tmp_path, bare_bert):
    """A checkpoint of 8 dimensions that skips ":" in documents; options are those of the library's Transformer."""

    def write(**options: object) -> Path:
        import torch
        from sentence_transformers import MultiVectorEncoder as Library
        from sentence_transformers.base.modules import Dense, Normalize, Transformer
        from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

        torch.manual_seed(5)
        modules = [
            Transformer(str(bare_bert), **options),
            Dense(16, 8, bias=False, activation_function=torch.nn.Identity(), module_input_name="token_embeddings"),
            MultiVectorMask(skiplist_words=[":"]),
            Normalize(module_input_name="token_embeddings"),
        ]
        folder = tmp_path / "late"
        Library(modules=modules, device="cpu", prompts={"query": "query ", "document": "passage "}).save_pretrained(
            str(folder), create_model_card=False
        )
        return folder

    return write


@pytest.fixture
def stanford(tmp_path, tokenizer_files):
    """A checkpoint as Stanford's ColBERT saves it: markers in the vocabulary, the projection beside the weights."""
    import torch
    from safetensors.torch import save_file
    from transformers import BertConfig, BertModel

    folder = tmp_path / "stanford"
    tokenizer_files(folder, *MARKERS)
    torch.manual_seed(4)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=24, max_position_embeddings=64, initializer_range=0.5, **sizes)
    body = BertModel(config).eval()
    weights = {f"bert.{name}": value.contiguous() for name, value in body.state_dict().items()}
    save_file({**weights, "linear.weight": torch.randn(8, 16)}, folder / "model.safetensors", {"format": "pt"})
    settings = {**config.to_dict(), "architectures": ["HF_ColBERT"]}
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    metadata = {"query_maxlen": 12, "doc_maxlen": 20, "query_token_id": MARKERS[0], "doc_token_id": MARKERS[1]}
    (folder / "artifact.metadata").write_text(json.dumps({**metadata, "mask_punctuation": True}), encoding="utf-8")
    return folder


@pytest.fixture
def xmod(tmp_path, tokenizer_files):
    """A late-interaction checkpoint whose transformer has an adapter for each of two languages."""

    def write(default: str | None) -> Path:
        import torch
        from sentence_transformers import MultiVectorEncoder as Library
        from sentence_transformers.base.modules import Normalize, Transformer
        from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
        from transformers import XmodConfig, XmodModel

        bare, folder = tmp_path / f"xmod-{default}", tmp_path / f"late-{default}"
        tokenizer_files(bare)
        torch.manual_seed(6)
        sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
        languages = {"languages": ["en_XX", "de_DE"], "default_language": default, "adapter_reduction_factor": 2}
        config = XmodConfig(vocab_size=24, max_position_embeddings=40, initializer_range=0.5, pad_token_id=0,
                            **languages, **sizes)  # fmt: skip
        XmodModel(config).eval().save_pretrained(bare)
        modules = [Transformer(str(bare)), MultiVectorMask(), Normalize(module_input_name="token_embeddings")]
        Library(modules=modules, device="cpu").save_pretrained(str(folder), create_model_card=False)
        return folder

    return write


@pytest.mark.parametrize("language", ["en_XX", "de_DE", None])
def test_the_adapter_of_a_language_reads_queries_and_documents_as_in_transformers(xmod, language):
    import torch
    from transformers import AutoTokenizer, XmodModel

    folder = xmod("en_XX")
    encoder = MultiVectorEncoder(str(folder), language=language, storage="float32")
    model, tokenizer = XmodModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    number = ["en_XX", "de_DE"].index(language or "en_XX")
    expected = []
    with torch.no_grad():
        for text in TEXTS:
            features = tokenizer(text, return_tensors="pt")
            features.pop("token_type_ids", None)
            states = model(**features, lang_ids=torch.tensor([number])).last_hidden_state[0]
            expected.append(torch.nn.functional.normalize(states, dim=-1).numpy())
    same(encoder.encode_queries(TEXTS), expected)
    same(encoder.encode_documents(TEXTS), expected)


def test_languages_give_other_vectors_and_other_encodings(xmod):
    folder = str(xmod("en_XX"))
    english, german = (MultiVectorEncoder(folder, language=name) for name in ("en_XX", "de_DE"))
    assert np.abs(english.encode_queries(["cat"]).values - german.encode_queries(["cat"]).values).max() > 1e-3
    assert fingerprint(english) != fingerprint(german)


def test_a_language_without_an_adapter_is_told(xmod, late):
    with pytest.raises(InputError, match="has no adapter for the language 'fr_XX'") as error:
        MultiVectorEncoder(str(xmod("en_XX")), language="fr_XX").encode_queries(["cat"])
    assert "en_XX, de_DE" in str(error.value)
    with pytest.raises(InputError, match="no adapters of languages"):
        MultiVectorEncoder(str(late()), language="en_XX").encode_queries(["cat"])
    folder = xmod(None)
    with pytest.raises(InputError, match="for a language that is not said"):
        MultiVectorEncoder(str(folder)).encode_queries(["cat"])
    assert len(MultiVectorEncoder(str(folder), language="de_DE").encode_queries(["cat"])) == 1


FIXED = {"strategy": "fixed", "attend": False, "length": 12}


@pytest.mark.parametrize("batch_tokens", [1, 60, None])
@pytest.mark.parametrize("expansion", [None, FIXED, {**FIXED, "attend": True}, {**FIXED, "strategy": "min"}])
def test_equals_sentence_transformers_in_vectors_and_scores(late, expansion, batch_tokens):
    folder = late(query_expansion=expansion, document_length=20)
    encoder, theirs = MultiVectorEncoder(str(folder), storage="float32", batch_tokens=batch_tokens), original(folder)
    queries, documents = encoder.encode_queries(TEXTS), encoder.encode_documents(TEXTS)
    their_queries = theirs.encode_query(TEXTS, convert_to_numpy=True)
    their_documents = theirs.encode_document(TEXTS, convert_to_numpy=True)
    same(queries, their_queries)
    same(documents, their_documents)
    assert max(map(len, rows(documents))) <= 20
    if expansion is not None:
        assert min(map(len, rows(queries))) == 12
    scores = theirs.similarity(their_queries, their_documents).numpy()
    np.testing.assert_allclose(maxsim(queries, documents), scores, atol=1e-5)


def test_skipped_words_are_in_no_document_and_in_every_query(late):
    encoder = MultiVectorEncoder(str(late()))
    with_colon, without = encoder.encode_documents([": cat", "cat"]), encoder.encode_queries([": cat", "cat"])
    assert np.diff(with_colon.offsets).tolist() == [4, 4]  # [CLS] passage cat [SEP]
    assert np.diff(without.offsets).tolist() == [5, 4]


def test_a_checkpoint_of_stanford_has_markers_lengths_and_expansion(stanford):
    encoder, theirs = MultiVectorEncoder(str(stanford), storage="float32"), original(stanford)
    assert theirs.tokenizer.tokenize("[unused0] cat") == ["[unused0]", "cat"]
    queries, documents = encoder.encode_queries(TEXTS), encoder.encode_documents(TEXTS)
    assert set(np.diff(queries.offsets).tolist()) == {12}
    assert np.diff(documents.offsets).max() == 20
    assert queries.values.shape[1] == 8
    same(queries, theirs.encode_query(TEXTS, convert_to_numpy=True))
    same(documents, theirs.encode_document(TEXTS, convert_to_numpy=True))
    before = fingerprint(MultiVectorEncoder(str(stanford)))
    metadata = stanford / "artifact.metadata"
    metadata.write_text(metadata.read_text(encoding="utf-8").replace("12", "16"), encoding="utf-8")
    assert fingerprint(MultiVectorEncoder(str(stanford))) != before  # other lengths are another model


def test_a_checkpoint_of_pylate_is_read(late):
    folder = late()
    modules = [m for m in json.loads((folder / "modules.json").read_text(encoding="utf-8")) if m["idx"] < 2]
    modules[1]["type"] = "pylate.models.Dense.Dense"
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    settings = {"query_prefix": "query ", "document_prefix": "passage ", "query_length": 10, "document_length": 20}
    (folder / "config_sentence_transformers.json").write_text(
        json.dumps({**settings, "do_query_expansion": True, "skiplist_words": [":"], "model_type": "ColBERT"}),
        encoding="utf-8",
    )
    encoder = MultiVectorEncoder(str(folder), storage="float32")
    queries, documents = encoder.encode_queries(TEXTS), encoder.encode_documents(TEXTS)
    assert set(np.diff(queries.offsets).tolist()) == {10}
    same(queries, original(folder).encode_query(TEXTS, convert_to_numpy=True))
    same(documents, original(folder).encode_document(TEXTS, convert_to_numpy=True))


@pytest.mark.parametrize("expansion", [FIXED, None])
def test_lengths_are_raised_by_the_corpus_and_by_the_settings(late, expansion):
    folder = str(late(query_expansion=expansion, document_length=20, **({} if expansion else {"query_length": 12})))
    long = "cat " * 50
    encoder = MultiVectorEncoder(folder)

    def lengths(encoder: MultiVectorEncoder) -> tuple[int, int]:
        return len(encoder.encode_queries([long]).values), len(encoder.encode_documents([long]).values)

    assert lengths(encoder) == (12, 20)
    encoder.fit(Corpus("c", "c", lambda: iter(()), 0, query_tokens=16, document_tokens=4))
    assert lengths(encoder) == (16, 20)
    encoder.fit(Corpus("c", "c", lambda: iter(()), 0, query_tokens=4000, document_tokens=4000))
    assert lengths(encoder) == (32, 32)  # the model's positions
    encoder.fit(Corpus("c", "c", lambda: iter(()), 0))
    assert lengths(encoder) == (12, 20)
    assert lengths(MultiVectorEncoder(folder, query_tokens=9, document_tokens=7)) == (9, 7)
    with pytest.raises(InputError, match=r"query_tokens=33, .* reads 32 tokens"):
        MultiVectorEncoder(folder, query_tokens=33).encode_queries(["cat"])


def test_prompts_hold_the_markers(late):
    folder = str(late())
    own = MultiVectorEncoder(folder, storage="float32")
    bare = MultiVectorEncoder(folder, storage="float32", query_prompt="", document_prompt="")
    same(own.encode_queries(["cat"]), rows(bare.encode_queries(["query cat"])), 1e-6)
    same(own.encode_documents(["cat"]), rows(bare.encode_documents(["passage cat"])), 1e-6)


def test_documents_are_stored_in_half_precision_queries_are_not(late):
    folder = str(late())
    encoder = MultiVectorEncoder(folder)
    documents, queries = encoder.encode_documents(TEXTS), encoder.encode_queries(TEXTS)
    assert (documents.values.dtype, queries.values.dtype) == (np.float16, np.float32)
    whole = MultiVectorEncoder(folder, storage="float32").encode_documents(TEXTS)
    np.testing.assert_array_equal(documents.values, whole.values.astype(np.float16))


def test_models_without_trained_token_vectors_are_refused(bare_bert, checkpoint):
    for folder, kind in ((checkpoint(), "SentenceTransformer"), (bare_bert, "BertModel")):
        with pytest.raises(InputError, match=f"not a late-interaction model but {kind}"):
            MultiVectorEncoder(str(folder)).encode_queries(["cat"])


def test_no_texts_and_texts_without_scored_tokens(late):
    encoder = MultiVectorEncoder(str(late()))
    assert (len(encoder.encode_documents([])), encoder.encode_documents([]).values.shape) == (0, (0, 8))
    encoder._opened().model[2].skiplist_words = ["[CLS]", "[SEP]", "passage"]
    encoder._opened().model[2].resolve_with_tokenizer(encoder._opened().model.tokenizer)
    assert np.diff(encoder.encode_documents(["", "cat"]).offsets).tolist() == [0, 1]


def test_a_vector_with_nan_is_an_error_that_names_its_text(late):
    import torch

    encoder = MultiVectorEncoder(str(late()), batch_tokens=1)
    encoder.encode_documents(["cat"])
    with torch.no_grad():
        encoder._checkpoint.model.transformers_model.embeddings.position_embeddings.weight[5] = float("nan")
    with pytest.raises(InputError, match="a vector of document 1 has NaN"):
        encoder.encode_documents(["cat", "the cat sat on the mat", "dog"])


def test_identity_names_the_storage_and_not_the_machine(late):
    folder = str(late())
    plain = MultiVectorEncoder(folder)
    assert fingerprint(MultiVectorEncoder(folder, device="cuda", threads=3, batch_tokens=7)) == fingerprint(plain)
    assert fingerprint(MultiVectorEncoder(folder, storage="float32")) != fingerprint(plain)
    longer = MultiVectorEncoder(folder, query_tokens=30)
    assert describe(longer, of_documents=True) == describe(plain, of_documents=True)


@pytest.mark.slow
def test_several_devices_give_the_same_vectors(late):
    folder = str(late(query_expansion=FIXED))
    two = MultiVectorEncoder(folder, device=["cpu", "cpu"], storage="float32")
    same(two.encode_documents(TEXTS), rows(MultiVectorEncoder(folder, storage="float32").encode_documents(TEXTS)))
    same(two.encode_queries(TEXTS), rows(MultiVectorEncoder(folder).encode_queries(TEXTS)))
    longer = MultiVectorEncoder(folder, device=["cpu", "cpu"], query_tokens=16)
    with pytest.raises(InputError, match="queries of 16 tokens on several devices"):
        longer.encode_queries(["cat"])
