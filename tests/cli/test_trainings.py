"""Models that claims name are trained before their cells are measured, once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ir_bench import models
from ir_bench.claims.claim import read_claim
from ir_bench.cli import train, trainings
from ir_bench.cli.compose import build, compose
from ir_bench.cli.experiments import names
from ir_bench.errors import InputError
from ir_bench.training.recipe import Recipe


def test_every_training_is_a_recipe_on_train_splits() -> None:
    for name in trainings.commands():
        collections, _, rest = train._datasets(trainings.arguments(name, 0))
        assert collections == list(trainings.datasets(name))
        assert isinstance(build(compose(rest, "train").recipe), Recipe)


def test_claims_name_trainings_that_exist_and_every_training_is_named() -> None:
    commands = [command for path in names("claims").values() for command in read_claim(path).commands()]
    used = {name for command in commands for name, _ in trainings.named(command)}
    assert used == set(trainings.commands())


def test_a_command_says_what_it_needs() -> None:
    command = "dataset=cacm retriever=minilm a.model=trained:dpr-bm25@0 b.model=trained:ance@12 c.model=trained:ance@12"
    assert trainings.named(command) == [("dpr-bm25", 0), ("ance", 12)]
    with pytest.raises(InputError, match="no training named 'nothing'"):
        trainings.arguments("nothing", 0)


class Training:
    """What stands for a Fit: counts its runs and leaves what a training leaves."""

    def __init__(self, output: Path, runs: list[Path]) -> None:
        self.output, self.runs = output, runs

    def run(self) -> None:
        if (self.output / "stale").exists():
            raise InputError(f"{self.output} holds a model of other settings, data or versions", "", "")
        self.runs.append(self.output)
        self.output.mkdir(parents=True, exist_ok=True)
        made = {"recipe": "r", "model": "m", "data": {}, "seed": 4, "environment": len(self.runs)}
        (self.output / "training.json").write_text(json.dumps(made))
        (self.output / "modules.json").write_text("[]")
        (self.output / "model.safetensors").write_bytes(b"weights of this machine")


def test_trains_once_and_again_after_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IR_BENCH_CACHE", str(tmp_path))
    runs: list[Path] = []
    given: list[list[str]] = []

    def prepared(arguments: list[str]) -> Any:
        given.append(arguments)
        return Training(models.trained_folder("ance@4"), runs)

    monkeypatch.setattr(train, "prepared", prepared)
    model = "trained:ance@4"
    with pytest.raises(InputError, match="ance@4 was not trained here"):
        models.folder(model)
    trainings.ensure(f"dataset=cacm retriever=minilm x.model={model}")
    assert runs == [tmp_path / "trained" / "ance@4"]
    assert {"seed=4", "dataset=beir/nfcorpus"} <= set(given[0])
    assert models.folder(model) == runs[0]
    before = models.provenance(model)
    assert before["model"] == model
    (runs[0] / "stale").touch()
    trainings.ensure(f"x.model={model}")
    assert len(runs) == 2
    assert not (runs[0] / "stale").exists()
    assert models.provenance(model) == before  # neither the environment nor the last digits of weights
