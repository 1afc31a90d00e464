"""Trained models that claims name: `trained:NAME@SEED`, trained by a command of experiments/trainings.yaml."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence

import yaml

from ir_bench.claims.command import split
from ir_bench.cli.compose import CONF
from ir_bench.errors import InputError
from ir_bench.models import TRAINED, trained_folder

_NAMED = re.compile(rf"{TRAINED}([\w-]+)@(\d+)")


def named(command: str) -> list[tuple[str, int]]:
    """The trainings, by name and seed, whose models a command uses, once each."""
    return list(dict.fromkeys((name, int(seed)) for name, seed in _NAMED.findall(command)))


def commands() -> dict[str, str]:
    """What follows `ir-bench train` for each training, without seed and output."""
    path = CONF.parent / "experiments" / "trainings.yaml"
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise InputError(f"{path} is no list of trainings", "NAME: recipe=… dataset=…", "correct the file")
    return found


def arguments(name: str, seed: int) -> list[str]:
    """The whole command of one training. Raises InputError for a name that experiments/trainings.yaml lacks."""
    if name not in commands():
        raise InputError(f"there is no training named {name!r}", "one of: " + ", ".join(commands()), "check the name")
    return [*split(commands()[name]), f"seed={seed}", f"output='{trained_folder(f'{name}@{seed}')}'", "reports=[]"]


def datasets(name: str) -> Sequence[str]:
    """The collections that a training reads."""
    return next(a for a in arguments(name, 0) if a.startswith("dataset=")).removeprefix("dataset=").split(",")


def ensure(command: str) -> None:
    """Train what a command uses, unless it was trained here by the same settings on the same data."""
    from ir_bench.cli.train import prepared

    for name, seed in named(command):
        fit = prepared(arguments(name, seed))
        try:
            fit.run()
        except InputError as error:
            if "holds a model of other settings" not in error.happened:
                raise
            shutil.rmtree(fit.output)  # below the cache, of an earlier form of this training
            fit.run()
