"""Token vectors of queries that change near to the train queries only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from training.test_fit import WORDS, fit, stage

from ir_bench.errors import InputError
from ir_bench.modules import load
from ir_bench.training.architectures.gated_late_interaction import GatedLateInteraction
from ir_bench.training.architectures.late_interaction import LateInteraction


@pytest.fixture
def model(checkpoint: Callable[..., Path]) -> Path:
    return checkpoint()


def test_untrained_it_is_the_projection_gate_open_or_not(model: Path) -> None:
    gated, plain = GatedLateInteraction(8, "pca", centres=3), LateInteraction(8)
    built, wanted = gated.build(str(model), WORDS), plain.build(str(model), WORDS)
    gated.place(built, [f"{a} {b}" for a in WORDS for b in WORDS])
    for method in ("encode_query", "encode_document"):
        for mine, theirs in zip(getattr(built, method)(WORDS), getattr(wanted, method)(WORDS), strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_training_changes_queries_alone_and_only_where_the_gate_is_open(tmp_path: Path, model: Path) -> None:
    from sentence_transformers import MultiVectorEncoder

    gated = GatedLateInteraction(8, "pca", centres=3)
    fit(tmp_path, model, gated, stage(steps=30)).run()
    trained = load(MultiVectorEncoder, tmp_path / "out", device="cpu")
    before = load(MultiVectorEncoder, tmp_path / "out", device="cpu")
    before[2].change.weight.data.zero_()
    for mine, theirs in zip(trained.encode_document(WORDS), before.encode_document(WORDS), strict=True):
        assert np.array_equal(mine, theirs)
    changed, opened = [], []
    for mine, theirs in zip(trained.encode_query(WORDS), before.encode_query(WORDS), strict=True):
        changed.append(bool(np.abs(np.asarray(mine) - np.asarray(theirs)).max() > 1e-6))
        mean = trained[2].centres.new_tensor(np.asarray(theirs).mean(0))
        opened.append(bool(trained[2].openness(mean[None]).item() > 0))
    assert any(changed)
    assert changed == opened


def test_too_few_queries_are_an_error(tmp_path: Path, model: Path) -> None:
    with pytest.raises(InputError, match="train queries for 256 centres"):
        fit(tmp_path, model, GatedLateInteraction(8, "pca"), stage()).run()
