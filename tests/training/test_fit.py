"""Training by a recipe on tiny checkpoints: heads, low-rank updates, everything; resumed, refused, written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ir_bench.errors import InputError
from ir_bench.store import Store
from ir_bench.training.architectures.bi_encoder import BiEncoder
from ir_bench.training.architectures.late_interaction import LateInteraction
from ir_bench.training.architectures.two_tower import TwoTower
from ir_bench.training.callbacks import Progress
from ir_bench.training.examples import TrainingText, training_text
from ir_bench.training.fit import Fit
from ir_bench.training.frozen import States, frozen, frozen_modules, made_once
from ir_bench.training.negatives.momentum_queue import MomentumQueue
from ir_bench.training.negatives.random import Random
from ir_bench.training.objectives.contrastive import Contrastive
from ir_bench.training.pairs.labelled import Labelled
from ir_bench.training.recipe import Recipe
from ir_bench.training.samplers.random import RandomBatches
from ir_bench.training.stage import Stage
from ir_bench.training.step import Step
from ir_bench.types import Corpus, Dataset, Document

WORDS = ["cat", "dog", "mat", "wing", "flow", "air", "fast", "sat", "ran"]


def text(name: str = "words") -> TrainingText:
    """Queries of one word; the documents that repeat it are relevant."""
    generator = np.random.default_rng(0)
    documents = [
        Document(f"d{i}", " ".join([WORDS[i % 9], *generator.choice(["the", "a", "on"], 3), WORDS[i % 9]]))
        for i in range(36)
    ]
    queries = {f"q{i}": f"{WORDS[i % 9]} {'the ' * (i // 9)}".strip() for i in range(27)}
    qrels = {q: {f"d{i}": 1 for i in range(36) if WORDS[i % 9] == own.split()[0]} for q, own in queries.items()}
    where = Corpus(name, name, lambda: iter(documents), len(documents))
    return training_text(Dataset(name, lambda: where, lambda: queries, lambda: qrels, split="train"))


def stage(**settings: Any) -> Stage:
    usual = {"learns": "head", "steps": 12, "batch_size": 8, "learning_rate": 0.01, "validate_every": 4, "patience": 99}
    return Stage(Labelled(), Random(), RandomBatches(), Contrastive(), **{**usual, **settings})


def fit(folder: Path, model: Path, architecture: Any, of: Stage, texts: dict[str, TrainingText] | None = None) -> Fit:
    recipe = Recipe(architecture, {"only": of}, held_out=0.3)

    def no_retriever(path: Path) -> Any:
        raise AssertionError("nothing is mined")

    return Fit(recipe, str(model), texts or {"words": text()}, Store(folder / "cache"), folder / "out", no_retriever)


@pytest.fixture
def model(checkpoint: Callable[..., Path]) -> Path:
    return checkpoint()


def weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return {
        f"{path.parent.name}/{name}": value
        for path in sorted(folder.rglob("*.safetensors"))
        for name, value in load_file(path).items()
    }


def test_an_untrained_two_tower_is_its_checkpoint(model: Path) -> None:
    from sentence_transformers import SentenceTransformer

    built, plain = TwoTower().build(str(model), []), SentenceTransformer(str(model), device="cpu")
    for mine in (built.encode_query(WORDS), built.encode_document(WORDS)):
        assert np.allclose(mine, plain.encode(WORDS, normalize_embeddings=True), atol=1e-6)


@pytest.mark.parametrize(
    ("architecture", "kind"), [(TwoTower(), "SentenceTransformer"), (LateInteraction(8), "MultiVectorEncoder")]
)
def test_a_head_learns_and_is_an_ordinary_folder(tmp_path: Path, model: Path, architecture: Any, kind: str) -> None:
    import sentence_transformers

    manifest = fit(tmp_path, model, architecture, stage(steps=60, validate_every=20)).run()
    steps = [step for step, _ in manifest["stages"]["only"]["validation"]]
    assert steps[:4] == [0, 20, 40, 60]
    losses = [loss for _, loss in manifest["stages"]["only"]["loss"]]
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    loaded = getattr(sentence_transformers, kind)(str(tmp_path / "out"), device="cpu")
    assert len(loaded.encode_query(["cat"])) == 1
    assert (tmp_path / "out" / "README.md").is_file()
    assert list((tmp_path / "out" / "logs" / "only").rglob("events*"))  # for TensorBoard
    assert not list((tmp_path / "out").rglob("*.bin"))  # nothing pickled stays
    assert not list((tmp_path / "out").rglob("*.pt"))


def test_the_transformer_is_left_as_it_was(tmp_path: Path, model: Path) -> None:
    fit(tmp_path, model, TwoTower(), stage()).run()
    before, after = weights(model), weights(tmp_path / "out")
    own = {name.partition("/")[2]: value for name, value in before.items()}
    kept = {name.partition("/")[2]: value for name, value in after.items() if name.partition("/")[2] in own}
    assert len(kept) == len(own)
    assert all(torch.equal(kept[name], own[name]) for name in own)


@pytest.mark.parametrize(("architecture", "tolerance"), [(TwoTower(), 1e-5), (LateInteraction(8), 5e-3)])
def test_what_was_made_before_gives_the_vectors_of_the_texts(
    tmp_path: Path, model: Path, architecture: Any, tolerance: float
) -> None:
    built = architecture.build(str(model), ["the cat sat", "a dog ran on the mat"]).eval()
    modules = frozen_modules(built)
    texts = ["the cat sat on the mat", "dog", "a wing", ""]
    states = States([made_once(modules, str(model), texts, Store(tmp_path), "texts")])
    features = built.preprocess(texts)
    with torch.inference_mode():
        plain = built(dict(features), task="document")
        with frozen(modules):
            given = {**features, **states.features(range(4), features["input_ids"].shape[1])}
            cached = built(given, task="document")
    name = "sentence_embedding" if "sentence_embedding" in plain else "token_embeddings"
    mask = features["attention_mask"].bool() if name == "token_embeddings" else slice(None)
    assert torch.allclose(plain[name][mask], cached[name][mask], atol=tolerance)
    again = built(dict(features), task="document")[name]  # the modules work as before
    assert torch.allclose(again[mask], plain[name][mask])


@pytest.mark.parametrize("learns", ["lora", "all"])
def test_the_transformer_learns_and_stays_an_ordinary_one(tmp_path: Path, model: Path, learns: str) -> None:
    from sentence_transformers import SentenceTransformer

    of = stage(learns=learns, learning_rate=0.01, lora_rank=4)
    fit(tmp_path, model, BiEncoder(), of).run()
    before, after = weights(model), weights(tmp_path / "out")
    assert {n.partition("/")[2] for n in before} == {n.partition("/")[2] for n in after}
    named = {n.partition("/")[2]: value for n, value in after.items()}
    assert any(not torch.equal(value, named[n.partition("/")[2]]) for n, value in before.items())
    SentenceTransformer(str(tmp_path / "out"), device="cpu").encode(["cat"])


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


@pytest.mark.parametrize("learns", ["head", "all"])
def test_a_killed_training_continues_to_the_same_weights(
    tmp_path: Path, model: Path, learns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = stage(learns=learns, learning_rate=0.01)
    whole = fit(tmp_path / "whole", model, TwoTower(), of)
    whole.run()
    step_end = Progress.on_step_end

    def killing(self: Progress, args: Any, state: Any, control: Any, **settings: Any) -> None:
        step_end(self, args, state, control, **settings)
        if state.global_step == 7:
            raise Killed

    monkeypatch.setattr(Progress, "on_step_end", killing)
    broken = fit(tmp_path / "broken", model, TwoTower(), of)
    with pytest.raises(Killed):
        broken.run()
    checkpoints = (tmp_path / "broken" / "out" / "checkpoints" / "only").glob("checkpoint-*")
    assert [path.name for path in checkpoints] == ["checkpoint-4"]
    monkeypatch.setattr(Progress, "on_step_end", step_end)
    broken.run()
    expected, found = weights(tmp_path / "whole" / "out"), weights(tmp_path / "broken" / "out")
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert torch.equal(value, found[name]), name


def test_a_finished_training_is_not_repeated_and_another_is_refused(tmp_path: Path, model: Path) -> None:
    one = fit(tmp_path, model, TwoTower(), stage(steps=4))
    manifest = one.run()
    written = (tmp_path / "out" / "training.json").stat().st_mtime_ns
    assert one.run() == manifest
    assert (tmp_path / "out" / "training.json").stat().st_mtime_ns == written
    with pytest.raises(InputError, match="holds a model of other settings"):
        replace(one, seed=1).run()


def test_several_collections_are_trained_on_together(tmp_path: Path, model: Path) -> None:
    manifest = fit(tmp_path, model, TwoTower(), stage(steps=4), {"one": text("one"), "two": text("two")}).run()
    alone = fit(tmp_path / "alone", model, TwoTower(), stage(steps=4)).run()
    assert manifest["stages"]["only"]["examples"] == 2 * alone["stages"]["only"]["examples"]


class Breaking(Contrastive):
    """Not a number from the sixth step on."""

    def __call__(self, step: Step) -> torch.Tensor:
        return super().__call__(step) * (float("nan") if step.number >= 5 else 1.0)


def test_a_loss_that_is_not_a_number_stops_it_and_the_last_checkpoint_stays(tmp_path: Path, model: Path) -> None:
    of = replace(stage(), objective=Breaking())
    with pytest.raises(InputError, match="step 5"):
        fit(tmp_path, model, TwoTower(), of).run()
    assert (tmp_path / "out" / "checkpoints" / "only" / "checkpoint-4").is_dir()
    assert not (tmp_path / "out" / "training.json").exists()


def test_a_model_without_a_head_cannot_learn_one(tmp_path: Path, model: Path) -> None:
    with pytest.raises(InputError, match="no module after its transformer that could learn"):
        fit(tmp_path, model, BiEncoder(), stage()).run()


def test_sources_of_negatives_that_want_vectors_are_refused(tmp_path: Path, model: Path) -> None:
    with pytest.raises(InputError, match="MomentumQueue gave no negative that has a text"):
        fit(tmp_path, model, TwoTower(), replace(stage(), negatives=MomentumQueue(count=2))).run()
