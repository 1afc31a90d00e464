"""Queries that change near to the train queries only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from training.test_fit import WORDS, fit, stage, text

from ir_bench.encoders.sentence_transformer import SentenceTransformerEncoder
from ir_bench.errors import InputError
from ir_bench.modules import load
from ir_bench.training.architectures.gated_query import GatedQuery
from ir_bench.training.gate import spherical


@pytest.fixture
def model(checkpoint: Callable[..., Path]) -> Path:
    return checkpoint()


def test_untrained_it_is_its_checkpoint_gate_open_or_not(model: Path) -> None:
    from sentence_transformers import SentenceTransformer

    built, plain = GatedQuery(centres=3).build(str(model), []), SentenceTransformer(str(model), device="cpu")
    GatedQuery(centres=3).place(built, text().queries)
    for mine in (built.encode_query(WORDS), built.encode_document(WORDS)):
        assert np.allclose(mine, plain.encode(WORDS, normalize_embeddings=True), atol=1e-6)


def test_the_gate_is_closed_for_most_random_words_and_open_for_train_queries(model: Path) -> None:
    asked = [f"cat {word} {more}" for word in WORDS for more in WORDS]
    built = GatedQuery(centres=8, closed=99.0, open=25.0).build(str(model), [])
    GatedQuery(centres=8, closed=99.0, open=25.0).place(built, asked)
    change = built[2]
    assert 0 < change.low < change.high
    np.testing.assert_allclose(change.centres.norm(dim=1), 1, atol=1e-5)
    again = GatedQuery(centres=8, closed=99.0, open=25.0).build(str(model), [])
    GatedQuery(centres=8, closed=99.0, open=25.0).place(again, asked[::-1])  # whatever their order
    assert (again[2].low, again[2].high) == (change.low, change.high)
    GatedQuery(centres=8, closed=99.0, open=25.0, later=0.5).place(again, asked)
    half = (change.high - change.low) / 2
    assert (again[2].low, again[2].high) == pytest.approx((change.low + half, change.high + half))


def test_training_changes_queries_alone_and_only_where_the_gate_is_open(tmp_path: Path, model: Path) -> None:
    from sentence_transformers import SentenceTransformer

    fit(tmp_path, model, GatedQuery(centres=3), stage(steps=30)).run()
    trained, plain = (load(SentenceTransformer, folder, device="cpu") for folder in (tmp_path / "out", model))
    before = plain.encode(WORDS, normalize_embeddings=True, convert_to_tensor=True)
    assert np.allclose(trained.encode_document(WORDS), before, atol=1e-6)
    through = SentenceTransformerEncoder(str(tmp_path / "out")).encode_queries(WORDS).values
    assert np.allclose(through, trained.encode_query(WORDS), atol=1e-6)
    changed = np.abs(trained.encode_query(WORDS) - before.numpy()).max(1) > 1e-6
    opened = trained[2].openness(before)[:, 0].numpy() > 0
    assert changed.any()
    assert (changed == opened).all()


def test_too_few_queries_are_an_error(tmp_path: Path, model: Path) -> None:
    with pytest.raises(InputError, match="train queries for 256 centres"):
        fit(tmp_path, model, GatedQuery(), stage()).run()


def test_centres_are_the_means_of_what_is_nearest_to_them() -> None:
    angles = np.radians([0, 90, 10, 80, 20, 70])
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    expected = np.stack([np.cos(np.radians([10, 80])), np.sin(np.radians([10, 80]))], 1)
    np.testing.assert_allclose(spherical(vectors, 2), expected, atol=1e-6)
