"""What a model keeps while it learns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from training.test_fit import fit, stage

from ir_bench.errors import InputError
from ir_bench.training.architectures.late_interaction import LateInteraction
from ir_bench.training.architectures.two_tower import TwoTower
from ir_bench.training.frozen import frozen, frozen_modules
from ir_bench.training.kept import Keeping, random_texts
from ir_bench.training.score_loss import ScoreLoss


@pytest.fixture
def model(checkpoint: Callable[..., Path]) -> Path:
    return checkpoint()


def keeping(model: Path) -> Keeping:
    built = TwoTower().build(str(model), [])
    modules = frozen_modules(built)
    with frozen(modules):
        return Keeping(ScoreLoss(built, objective=lambda step: step.scores.sum(), known=None), 2.0, modules, 0)


def test_nothing_has_moved_at_first_and_a_turn_of_both_towers_moves_nothing(model: Path) -> None:
    kept = keeping(model)
    assert kept.moved().item() == pytest.approx(0, abs=1e-6)
    turn, _ = torch.linalg.qr(torch.randn(16, 16, generator=torch.Generator().manual_seed(0)))
    towers = list(kept.model[2].parameters())
    with torch.no_grad():
        for weight in towers:
            weight.copy_(turn)
    assert kept.moved().item() == pytest.approx(0, abs=1e-5)
    with torch.no_grad():
        towers[0].copy_(torch.eye(16))
    assert kept.moved().item() > 0.1


def test_a_heavy_weight_keeps_similarities_where_they_were(tmp_path: Path, model: Path) -> None:
    moved = {}
    for weight in (0.0, 50.0):
        folder = tmp_path / str(weight)
        manifest = fit(folder, model, TwoTower(), stage(steps=30, validate_every=30, keep=weight)).run()
        assert manifest["recipe"]["stages"]["only"]["keep"] == weight
        kept = keeping(model)
        from sentence_transformers import SentenceTransformer

        trained = SentenceTransformer(str(folder / "out"), device="cpu")
        kept.model[2].load_state_dict(trained[2].state_dict())
        moved[weight] = kept.moved().item()
    assert moved[50.0] < 0.5 * moved[0.0]


def test_token_vectors_are_refused(tmp_path: Path, model: Path) -> None:
    with pytest.raises(InputError, match="model of token vectors"):
        fit(tmp_path, model, LateInteraction(8), stage(keep=1.0)).run()


def test_random_texts_are_words_of_the_vocabulary(model: Path) -> None:
    tokenizer = TwoTower().build(str(model), []).tokenizer
    texts = random_texts(tokenizer, 50, 1)
    assert texts == random_texts(tokenizer, 50, 1) != random_texts(tokenizer, 50, 2)
    lengths = np.array([len(text.split()) for text in texts])
    assert (lengths.min(), lengths.max()) == (1, 6)
    words = ["the", "cat", "dog", "sat", "ran", "mat", "wing", "flow", "air", "fast", "query", "passage"]
    assert set(" ".join(texts).split()) <= set(words)
