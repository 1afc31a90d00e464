"""uniCOIL, DeepImpact and SPARTA: what they are before training, and that they learn over cached states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from encoders.conftest import VOCABULARY
from training.test_fit import fit, stage

from ir_bench.encoders.sparse_encoder import SparseEncoder
from ir_bench.encoders.token_states import TokenStatesEncoder
from ir_bench.errors import InputError
from ir_bench.indexes.inverted import InvertedIndex
from ir_bench.similarities.dot import Dot
from ir_bench.training.architectures.joint import Joint
from ir_bench.training.architectures.lens import Lens
from ir_bench.training.architectures.sparta import SpartaMatching
from ir_bench.training.architectures.unicoil import UniCoil
from ir_bench.training.objectives.contrastive import Contrastive
from ir_bench.transforms.sparse_head import SparseHead
from ir_bench.transforms.term_range import TermRange

TEXTS = ["the cat sat on the mat", "dog xyzzy", "xyzzy"]


@pytest.fixture
def model(checkpoint: Callable[..., Path]) -> Path:
    return checkpoint()


def bags(vectors: torch.Tensor) -> list[dict[str, float]]:
    return [{VOCABULARY[i]: float(row[i]) for i in row.nonzero()[:, 0].tolist()} for row in vectors]


def test_an_untrained_unicoil_counts_common_terms(model: Path) -> None:
    built = UniCoil().build(str(model), [])
    documents = bags(built.encode_document(TEXTS, convert_to_sparse_tensor=False))
    queries = bags(built.encode_query(TEXTS, convert_to_sparse_tensor=False))
    assert documents[0] == pytest.approx(dict.fromkeys(["the", "cat", "sat", "on", "mat"], 1.0))
    assert queries[0] == pytest.approx({**documents[0], "the": 2.0})  # a query's weights are summed
    assert documents[1:] == queries[1:] == [{"dog": pytest.approx(1.0)}, {}]


@pytest.mark.parametrize("architecture", [UniCoil(pooling="first", hidden=5, queries="bow"), SpartaMatching()])
def test_queries_of_the_others_are_bags_of_words(model: Path, architecture, tmp_path: Path) -> None:
    built = architecture.build(str(model), [])
    built.save_pretrained(str(tmp_path / "saved"), create_model_card=False)
    queries = bags(built.encode_query(TEXTS, convert_to_sparse_tensor=False))
    assert queries == [dict.fromkeys(["the", "cat", "sat", "on", "mat"], 1.0), {"dog": 1.0}, {}]
    for weighting in ("checkpoint", "bow"):
        encoder = SparseEncoder(str(tmp_path / "saved"), query_weighting=weighting)
        found = encoder.encode_queries(TEXTS)
        assert [found.row(i) for i in range(3)] == queries


def test_an_untrained_sparta_matches_input_embeddings(model: Path) -> None:
    """A float64 loop over the transformer's own states; special tokens of a document match, but weigh nothing."""
    built = SpartaMatching(bias=-0.3).build(str(model), [])
    found = built.encode_document(TEXTS, convert_to_sparse_tensor=False).numpy()
    transformer = next(iter(built.children()))
    table = transformer.model.get_input_embeddings().weight.detach().double().numpy()
    for text, vector in zip(TEXTS, found, strict=True):
        with torch.inference_mode():
            states = transformer(transformer.preprocess([text]))["token_embeddings"][0].double().numpy()
        states /= np.linalg.norm(states, axis=1, keepdims=True)
        expected = np.log1p(np.maximum((table @ states.T).max(1) - 0.3, 0))
        expected[:5] = 0
        np.testing.assert_allclose(vector, expected, atol=1e-5)


def test_an_untrained_joint_model_adds_common_terms_and_the_cosine(model: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    Joint(dense_scale=3.0).build(str(model), []).save_pretrained(str(tmp_path / "joint"), create_model_card=False)
    whole, states = SparseEncoder(str(tmp_path / "joint")), TokenStatesEncoder(str(model), storage="float32")
    head = SparseHead(str(tmp_path / "joint"))
    made = head.queries(states.encode_queries(TEXTS[:2])), head.documents(states.encode_documents(TEXTS[:2]))
    for found, wanted in zip(made, (whole.encode_queries(TEXTS[:2]), whole.encode_documents(TEXTS[:2])), strict=True):
        assert list(found.vocabulary) == list(wanted.vocabulary)
        for row in range(2):
            assert found.row(row) == pytest.approx(wanted.row(row), abs=1e-5)
    plain = SentenceTransformer(str(model), device="cpu").encode(TEXTS[:2], normalize_embeddings=True)
    parts = {"sparse": TermRange(last=len(VOCABULARY)), "dense": TermRange(first=len(VOCABULARY)), "both": TermRange()}
    scores = {}
    for name, part in parts.items():
        index = InvertedIndex(Dot())
        index.build(part.documents(made[1]))
        hits = index.search(part.queries(made[0]), 2)
        scores[name] = np.zeros((2, 2))
        for i in range(2):
            scores[name][i, hits.rows[i][hits.rows[i] >= 0]] = hits.scores[i][hits.rows[i] >= 0]
    np.testing.assert_allclose(scores["sparse"], [[6, 0], [0, 1]], atol=1e-5)  # "the" twice in the first query
    np.testing.assert_allclose(scores["dense"], 3 * plain @ plain.T, atol=1e-4)
    np.testing.assert_allclose(scores["both"], scores["sparse"] + scores["dense"], atol=1e-4)


def test_clusters_are_named_and_take_the_place_of_a_texts_own_tokens(model: Path, tmp_path: Path) -> None:
    Lens(clusters=6).build(str(model), TEXTS).save_pretrained(str(tmp_path / "lens"), create_model_card=False)
    whole, states = SparseEncoder(str(tmp_path / "lens")), TokenStatesEncoder(str(model), storage="float32")
    head = SparseHead(str(tmp_path / "lens"))
    found, wanted = head.documents(states.encode_documents(TEXTS)), whole.encode_documents(TEXTS)
    assert list(found.vocabulary) == list(wanted.vocabulary)
    assert len(found.vocabulary) == 6
    assert all(name.startswith(f"cluster {number} (") for number, name in enumerate(found.vocabulary))
    for row in range(3):
        assert found.row(row) == pytest.approx(wanted.row(row), abs=1e-5)
    own = head.terms(["cat", "[CLS]", "nothing"])
    assert len(own) == 1
    assert own[0] in found.vocabulary
    assert list(head.documents(states.encode_documents([])).vocabulary) == list(found.vocabulary)


@pytest.mark.parametrize("limits", [{"first": -1}, {"first": 5, "last": 5}])
def test_a_range_without_dimensions_is_an_error(limits: dict[str, int]) -> None:
    with pytest.raises(InputError, match="dimensions from"):
        TermRange(**limits)


@pytest.mark.parametrize(
    "architecture",
    [
        UniCoil(),
        UniCoil(pooling="first", hidden=5, queries="bow"),
        SpartaMatching(),
        SpartaMatching(table=True),
        Joint(),
    ],
)
def test_heads_learn_over_states_made_once(tmp_path: Path, model: Path, architecture) -> None:
    of = replace(stage(steps=30, validate_every=15), objective=Contrastive(temperature=1.0))
    manifest = fit(tmp_path, model, architecture, of).run()["stages"]["only"]
    losses = [loss for _, loss in manifest["loss"]]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    trained = SparseEncoder(str(tmp_path / "out"))
    untrained = architecture.build(str(model), []).encode_document(TEXTS, convert_to_sparse_tensor=False)
    documents = trained.encode_documents(TEXTS)
    assert len(documents.terms)
    weights = np.zeros(untrained.shape, np.float32)
    weights[np.repeat(np.arange(3), np.diff(documents.offsets)), documents.terms] = documents.weights
    assert not np.allclose(weights, untrained.numpy(), atol=1e-3)


def test_a_query_is_pooled_as_a_query_in_training_too(tmp_path: Path, model: Path, monkeypatch) -> None:
    from ir_bench.modules.term_impacts import TermImpacts

    tasks = set()
    plain = TermImpacts.forward

    def seen(self, features, task=None):
        if self.training:
            tasks.add(task or features.get("task"))
        return plain(self, features, task)

    monkeypatch.setattr(TermImpacts, "forward", seen)
    fit(tmp_path, model, UniCoil(), stage(steps=1, validate_every=1)).run()
    assert tasks == {"query", "document"}
