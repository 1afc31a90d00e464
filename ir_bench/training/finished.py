"""Stages that are done, kept so that a killed training goes on with the next one and does not train them further."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_model, save_model

from ir_bench.results import write_json

WEIGHTS, FACTS = "finished.safetensors", "finished.json"  # in the folder of the stage's checkpoints


def keep(model: Any, folder: Path, facts: dict[str, Any]) -> None:
    """The model as a stage left it, and what the manifest says of the stage."""
    save_model(model, str(folder / WEIGHTS))
    write_json(folder / FACTS, facts)


def restored(model: Any, folder: Path) -> dict[str, Any] | None:
    """Gives the model the weights that a finished stage left, and returns what the manifest says of it; None for a
    stage that is not finished."""
    if not (folder / FACTS).is_file():
        return None
    load_model(model, str(folder / WEIGHTS))
    return json.loads((folder / FACTS).read_text(encoding="utf-8"))
