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
from ir_bench.training.architectures.sparta import SpartaMatching
from ir_bench.training.architectures.unicoil import UniCoil
from ir_bench.training.objectives.contrastive import Contrastive

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
        expected = np.log1p(np.maximum((table @ states.T).max(1) - 0.3, 0))
        expected[:5] = 0
        np.testing.assert_allclose(vector, expected, atol=1e-5)


@pytest.mark.parametrize(
    "architecture",
    [UniCoil(), UniCoil(pooling="first", hidden=5, queries="bow"), SpartaMatching(), SpartaMatching(table=True)],
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
