"""Candidates that are given to a loss as vectors: fixed documents, and those of a slowly following model."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from sentence_transformers.base.losses.merged_forward import embed_columns
from torch import Tensor, nn
from transformers import TrainerCallback

from ir_bench.errors import InputError
from ir_bench.training.examples import Pairs
from ir_bench.training.known import Rows

KEPT = "momentum.safetensors"


def comparable(model: Any, vectors: Tensor) -> Tensor:
    """Vectors whose inner products are the model's similarities."""
    cosine = str(getattr(model, "similarity_fn_name", "")) == "cosine"
    return nn.functional.normalize(vectors.float(), dim=-1) if cosine else vectors.float()


@dataclass
class FixedDocuments:
    """Document vectors that stay as they are while the query side is trained (ADORE): `fixed` gives those of a batch,
    `drawn` the negatives that a source finds for the query vectors of the step. For a ScoreLoss."""

    model: Any
    source: Any
    pairs: Pairs

    def __post_init__(self) -> None:
        self._pair_of = _pair_of(self.pairs)

    def fixed(self, document_rows: Rows, features: Sequence[Mapping[str, Any]]) -> Tensor:
        return torch.from_numpy(self.source.vectors(document_rows))

    def drawn(self, query_rows: Rows, query_vectors: Tensor, number: int) -> tuple[Rows, Tensor]:
        vectors = comparable(self.model, query_vectors).cpu().numpy()
        rows = self.source.draw(self._pair_of[query_rows], number, vectors)
        return rows, torch.from_numpy(self.source.vectors(rows))


class KeyTower(TrainerCallback):
    """A copy of the model that follows it slowly and makes the document vectors, which then wait in a queue as
    negatives (MoCo). Queue and copy are kept beside each checkpoint, so that a resumed training goes on with them."""

    def __init__(self, model: Any, source: Any, pairs: Pairs) -> None:
        self.model, self.source = model, source
        self.key = copy.deepcopy(model).requires_grad_(False)
        named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        keys = dict(self.key.named_parameters())
        self.names = [name for name, _ in named]
        self.fast = nn.ParameterList([p for _, p in named])
        self.slow = nn.ParameterList([keys[name] for name in self.names])
        self._pair_of = _pair_of(pairs)
        self._waiting: list[tuple[Rows, Tensor]] = []

    def fixed(self, document_rows: Rows, features: Sequence[Mapping[str, Any]]) -> Tensor:
        with torch.no_grad():
            columns = embed_columns(self.key, [dict(column) for column in features], separate_first=False)
        vectors = torch.stack(list(columns), 1)
        self._waiting.append((document_rows, comparable(self.model, vectors)))
        return vectors

    def drawn(self, query_rows: Rows, query_vectors: Tensor, number: int) -> tuple[Rows, Tensor]:
        vectors = comparable(self.model, query_vectors).cpu().numpy()
        rows = self.source.draw(self._pair_of[query_rows], number, vectors)
        if (rows < 0).all():  # the queue is still empty
            return rows, torch.zeros(*rows.shape, vectors.shape[1])
        return rows, torch.from_numpy(self.source.vectors(rows))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        for rows, vectors in self._waiting:
            flat = rows.reshape(-1)
            self.source.enqueue(flat[flat >= 0], vectors.flatten(0, 1).cpu().numpy()[flat >= 0])
        self._waiting = []
        self.source.follow(self.slow, self.fast)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        kept = {f"key.{n}": p.detach().cpu().numpy() for n, p in zip(self.names, self.slow, strict=True)}
        kept |= {f"queue.{name}": np.ascontiguousarray(value) for name, value in self.source.state().items()}
        save_file(kept, _checkpoint(args, state) / KEPT)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 0:
            return
        kept = load_file(_checkpoint(args, state) / KEPT)
        with torch.no_grad():
            for name, parameter in zip(self.names, self.slow, strict=True):
                parameter.copy_(torch.from_numpy(kept[f"key.{name}"]))
        self.source.restore({n.removeprefix("queue."): v for n, v in kept.items() if n.startswith("queue.")})


def require_query_side(model: Any) -> None:
    """Leave only the query tower to learn. Raises InputError where documents share what would be learned, so that
    their vectors would not stay as they are."""
    router = next((module for module in model.children() if type(module).__name__ == "Router"), None)
    routes = {} if router is None else dict(router.sub_modules.items())
    queries = {id(p) for p in routes["query"].parameters()} if {"query", "document"} <= routes.keys() else set()
    for p in routes["document"].parameters() if queries else ():
        p.requires_grad_(False)
    shared = [name for name, p in model.named_parameters() if p.requires_grad and id(p) not in queries]
    if shared:
        raise InputError(
            f"documents stay as they are, but {len(shared)} weights that they share with queries would learn, "
            f"{shared[0]} first",
            "a model with a tower for queries of its own, of which nothing else learns",
            "choose architecture=two_tower and learns=head",
        )


def _pair_of(pairs: Pairs) -> Rows:
    """A pair of each query [queries]: sources ask for pairs, and look at their queries alone."""
    found = np.full(len(pairs.queries), -1, np.int64)
    found[pairs.query_rows] = np.arange(len(pairs))
    return found


def _checkpoint(args: Any, state: Any) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"
