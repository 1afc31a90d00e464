"""What a killed training left: stages that are done, which are not trained further, and of which training they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_model, save_model

from ir_bench.errors import InputError
from ir_bench.results import write_json

WEIGHTS, FACTS = "finished.safetensors", "finished.json"  # in the folder of the stage's checkpoints

TRAINING = "training"  # the fingerprint, beside the folders of stages


def require_same(folder: Path, identity: str) -> None:
    """Notes of which training the folder of checkpoints is. Raises InputError where it has some of another."""
    note = folder / TRAINING
    begun = any(folder.glob("*/checkpoint-*")) or any(folder.glob(f"*/{FACTS}"))
    if begun and note.is_file() and note.read_text(encoding="utf-8") != identity:
        raise InputError(
            f"{folder} holds checkpoints of other settings, data or versions",
            "an empty folder, or the same training",
            "choose another output=…, or delete the folder",
        )
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(identity, encoding="utf-8")


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
