"""The modules of a sentence-transformers checkpoint after its base model: what a recipe with learns=head trained.

Applied to what the base model made of texts before, they give the checkpoint's own vectors without a forward pass.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost, models
from ir_bench.checkpoints import batches
from ir_bench.errors import InputError
from ir_bench.protocols import Provenance
from ir_bench.types import MultiVector

TRUSTED = ("sentence_transformers.", "ir_bench.modules.")
BASE = {"Transformer", "Pooling", "Normalize"}  # modules of a base model; everything after them is the head
TOKENS = 16_384  # of a padded batch

Task = Literal["query", "document"]


@dataclass(frozen=True)
class Head:
    """Later modules of a checkpoint, in evaluation mode. `of_units`: the checkpoint gives them length 1."""

    modules: Sequence[Any]
    of_units: bool
    _proven: set[Task] = field(default_factory=set, init=False, repr=False, compare=False)

    @classmethod
    def load(cls, model: str) -> Head:
        """The head of a checkpoint's folder, which need not hold the base model's own files. Notes what was logged in
        its training, on average: `training_gradient_norm`, `training_negative_score` and so on.

        Raises InputError for a folder without such modules, for modules of other packages (they would be foreign
        code), and for weights that cannot be read.
        """
        folder = models.folder(model)
        entries = parts_of(folder)
        for name, value in _training(folder).items():
            cost.put(f"training_{name}", value)
        with models.loading(model):
            return cls([_module(entry, folder, model) for entry in entries], "Normalize" in map(_kind, _base(folder)))

    def __call__(self, features: dict[str, Any], task: Task) -> dict[str, Any]:
        import torch

        with torch.inference_mode():
            for module in self.modules:
                features = module(features, task=task) if "task" in module.forward_kwargs else module(features)
        return features

    def require_directions(self, features: Mapping[str, Any], task: Task, made: str) -> None:
        """Raises InputError where what comes out under the name `made` depends on how long token vectors are: those of
        the checkpoint are as long as its transformer leaves them, and an encoder of token vectors gives length 1.

        Looked at once for each task, with the first texts that have tokens: queries come one by one."""
        import torch

        if self.of_units or task in self._proven or not features["attention_mask"].any():
            return
        once = self(dict(features), task)[made]
        longer = self({**features, "token_embeddings": 2 * features["token_embeddings"]}, task)[made]
        if not torch.allclose(once, longer, rtol=1e-3, atol=1e-5, equal_nan=True):
            raise InputError(
                "the head was trained on token vectors as long as the transformer leaves them; here they have length 1",
                "a head that reads their direction alone, or follows a Normalize of token_embeddings",
                "train it again with this version, or name its folder as encoder.model of a retriever of its kind",
            )
        self._proven.add(task)


def parts_of(folder: Path) -> list[dict[str, Any]]:
    """What modules.json says of the modules of a folder's head: `type` and `path`."""
    entries = _listed(folder)
    base = _base(folder)
    if len(base) == len(entries):
        raise InputError(
            f"{folder} has no modules after its pooling: {', '.join(map(_kind, entries))}",
            "a model with a head, for example of recipe=two_tower_head",
            "name it as encoder.model of a retriever instead",
        )
    return entries[len(base) :]


def _base(folder: Path) -> list[dict[str, Any]]:
    """The modules before the head."""
    return list(itertools.takewhile(lambda entry: _kind(entry) in BASE, _listed(folder)))


def _training(folder: Path) -> dict[str, float]:
    """The means over a training's log of what is logged of the model itself, by name."""
    path = folder / "training.json"
    stages = json.loads(path.read_text(encoding="utf-8"))["stages"].values() if path.is_file() else ()
    logged: dict[str, list[float]] = {}
    for stage in stages:
        for name, entries in stage.items():
            if name == "gradient_norm" or name.endswith("_score"):
                logged.setdefault(name, []).extend(value for _, value in entries)
    return {name: float(np.mean(values)) for name, values in logged.items()}


def _listed(folder: Path) -> list[dict[str, Any]]:
    listed = folder / "modules.json"
    if not listed.is_file():
        raise InputError(
            f"{folder} has no modules.json", "a folder that `ir-bench train` wrote", "name the trained model's folder"
        )
    entries: list[dict[str, Any]] = json.loads(listed.read_text(encoding="utf-8"))
    return entries


def assemble(head: str, base: str, folder: Path) -> None:
    """Write a head and the model that it was trained on into one folder, an ordinary one of sentence-transformers.

    Raises InputError where one of them is not there, or the folder is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty", "a new or empty folder", "choose another")
    shutil.copytree(models.folder(base), folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(models.folder(head), folder, dirs_exist_ok=True)


def require_base(head: str, encoder: object) -> None:
    """Raises InputError for an encoder whose weights are not those that a head was trained on, wherever either lies,
    and for a folder that does not say which those are: vectors of another model give plausible, meaningless numbers.
    """
    path = models.folder(head) / "training.json"
    if not path.is_file():
        raise InputError(
            f"{head} does not say which model its head was trained on",
            "the training.json that `ir-bench train` writes beside the modules",
            "copy it there, or name the folder that was written",
        )
    manifest = json.loads(path.read_text(encoding="utf-8"))
    if moved := [name for name, stage in manifest["recipe"]["stages"].items() if stage["learns"] != "head"]:
        raise InputError(
            f"the training of {head} changed the model below its head too (stage {moved[0]})",
            "a head that was trained alone, with learns=head",
            f"use the whole model: encoder.model={head} in a retriever of its kind, without this transform",
        )
    base = manifest["model"]
    used = encoder.provenance() if isinstance(encoder, Provenance) else {}
    if _weights(used) is None or _weights(used) != _weights(base):
        raise InputError(
            f"the head {head} was trained on {_told(base)}, but the encoder is {_told(used, type(encoder).__name__)}",
            "the vectors of the model that the head was trained on, down to its weights",
            f"set encoder.model to {base['model']}, or train a head on the encoder's model: ir-bench train model=…",
        )


def padded(vectors: MultiVector) -> Iterator[tuple[NDArray[np.int64], dict[str, Any]]]:
    """Batches of texts of similar length as the features that follow a transformer, with the rows they hold."""
    import torch

    lengths = np.diff(vectors.offsets)
    for rows in batches(lengths, TOKENS):
        longest = max(1, int(lengths[rows].max(initial=0)))
        states = np.zeros((len(rows), longest, vectors.values.shape[1]), np.float32)
        mask = np.arange(longest) < lengths[rows][:, None]
        tokens = np.zeros((len(rows), longest), np.int64)
        for i, row in enumerate(rows.tolist()):
            span = slice(vectors.offsets[row], vectors.offsets[row + 1])
            states[i, : lengths[row]] = vectors.values[span]
            if vectors.tokens is not None:
                tokens[i, : lengths[row]] = vectors.tokens[span]
        features = {
            "token_embeddings": torch.from_numpy(states),
            "attention_mask": torch.from_numpy(mask.astype(np.int64)),
        }
        if vectors.tokens is not None:
            features["input_ids"] = torch.from_numpy(tokens)
        yield rows, features


def _weights(provenance: Mapping[str, object]) -> object:
    """What identifies a model's weights: their checksum, the hub's commit, or the training that made them."""
    return provenance.get("weights", provenance.get("training"))


def _told(provenance: Mapping[str, object], otherwise: str = "") -> str:
    if _weights(provenance) is None:
        return f"{otherwise}, which names no weights"
    return f"{provenance['model']} (weights {str(_weights(provenance))[:12]})"


def _kind(entry: dict[str, Any]) -> str:
    return str(entry["type"]).rpartition(".")[2]


def _module(entry: dict[str, Any], folder: Path, model: str) -> Any:
    from sentence_transformers.base.modules import Router
    from sentence_transformers.util import import_from_string

    from ir_bench.modules import own

    if not entry["type"].startswith(TRUSTED):
        raise InputError(
            f"{model} has the module {entry['type']}",
            "modules of sentence-transformers or ir_bench",
            "load the whole model through an encoder with trust_remote_code=true if you trust it",
        )
    kind: Callable[..., Any] = import_from_string(entry["type"])
    nested = {"module_classes": own()} if kind is Router else {}
    return kind.load(str(folder), subfolder=entry["path"], local_files_only=True, **nested).eval()  # type: ignore[attr-defined]
