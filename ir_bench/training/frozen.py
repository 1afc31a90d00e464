"""Training of a model's later modules alone, over what its transformer made of each text once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ir_bench import models
from ir_bench.checkpoints import Task
from ir_bench.errors import InputError
from ir_bench.fingerprint import fingerprint
from ir_bench.progress import bar
from ir_bench.store import Store
from ir_bench.types import Dense, MultiVector

AT_ONCE = 16  # texts in a forward pass, sorted by length
SHARD = 512
GIVEN = "made_before"  # marks features that hold what the frozen modules would make


@dataclass(frozen=True)
class States:
    """What the frozen modules made of texts in several lists, one after the other: pooled vectors [texts, dims] float32
    or token vectors [tokens, dims] float16, memory-mapped."""

    parts: Sequence[Dense | MultiVector]

    @property
    def pooled(self) -> bool:
        """One vector for each text, so that later modules need nothing of its tokens."""
        return isinstance(self.parts[0], Dense)

    def features(self, rows: Sequence[int], tokens: int) -> dict[str, torch.Tensor]:
        """The vectors of some rows as the features that the modules after them read; token vectors are zero beyond a
        text's own, and for row -1, which is an empty text."""
        bounds = np.cumsum([0, *map(len, self.parts)])
        where = np.searchsorted(bounds, rows, "right") - 1
        first = self.parts[0]
        shape = (
            (len(rows), first.values.shape[1])
            if isinstance(first, Dense)
            else (len(rows), tokens, first.values.shape[1])
        )
        batch = np.zeros(shape, np.float32)
        for i, (row, part) in enumerate(zip(rows, where.tolist(), strict=True)):
            if row < 0:
                continue
            own = self.parts[part]
            if isinstance(own, Dense):
                batch[i] = own.values[row - bounds[part]]
            else:
                vectors = own.row(row - bounds[part])[:tokens]
                batch[i, : len(vectors)] = vectors
        name = "sentence_embedding" if isinstance(first, Dense) else "token_embeddings"
        return {name: torch.from_numpy(batch), GIVEN: torch.ones(len(rows), dtype=torch.bool)}

    def select(self, rows: Sequence[int]) -> States:
        """Some rows of the only list, as a list of their own."""
        (only,) = self.parts
        return States([only[row : row + 1] for row in rows])


def frozen_modules(model: Any) -> list[Any]:
    """The transformer and the modules after it that have nothing to learn. Raises InputError when all are such."""
    transformer, *later = model.children()
    for i, module in enumerate(later):
        if any(True for _ in module.parameters()):
            return [transformer, *later[:i]]
    raise InputError(
        f"the model has no module after its transformer that could learn: {', '.join(type(m).__name__ for m in later)}",
        "a head with weights",
        "choose another architecture, or learns=lora or learns=all",
    )


def pools(modules: Sequence[Any]) -> bool:
    """One vector for each text comes out of the modules, and not its token vectors."""
    from sentence_transformers.sentence_transformer.modules import Pooling

    return any(isinstance(module, Pooling) for module in modules)


def made_once(
    modules: Sequence[Any],
    model: str,
    texts: Sequence[str],
    store: Store,
    what: str,
    task: Task = "document",
    prompt: str | None = None,
) -> Dense | MultiVector:
    """What the frozen modules make of all texts, once for each model, token limit, prompt and list of texts, shard by
    shard. `task`: limits and prompts may differ for queries and documents."""
    pooled = pools(modules)
    own = getattr(modules[0], f"{task}_length", None)
    made_from = {
        "what": "states of frozen modules",
        "model": models.provenance(model),
        "modules": [repr(module) for module in modules[1:]],
        "tokens": modules[0].max_seq_length,
        "texts": fingerprint(list(texts)),
        **({"prompt": prompt} if prompt else {}),
        **({"length": own} if own else {}),
    }

    def blocks(first: int) -> Iterator[Any]:
        with bar(len(texts), f"states of {what}", "text") as progress:
            progress.update(min(len(texts), first * SHARD))
            for start in range(first * SHARD, len(texts), SHARD):
                block = _encoded(modules, texts[start : start + SHARD], task, prompt)
                yield (
                    Dense(np.concatenate([v[None] for v in block]))
                    if pooled
                    else MultiVector(np.concatenate(block), np.cumsum([0, *map(len, block)]))
                )
                progress.update(len(block))

    if pooled:
        return store.vectors(made_from, Dense, blocks, SHARD)
    return store.vectors(made_from, MultiVector, blocks, SHARD)


@torch.inference_mode()
def _encoded(modules: Sequence[Any], texts: Sequence[str], task: Task, prompt: str | None) -> list[np.ndarray]:
    transformer = modules[0]
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    found: dict[int, np.ndarray] = {}
    device = next(transformer.parameters()).device
    training = transformer.training
    transformer.eval()
    try:
        for start in range(0, len(order), AT_ONCE):
            some = order[start : start + AT_ONCE]
            features = transformer.preprocess([texts[i] for i in some], prompt=prompt, task=task)
            output = {k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in features.items()}
            for module in modules:
                output = module(output)
            if pools(modules):
                found.update(zip(some, output["sentence_embedding"].float().cpu().numpy(), strict=True))
                continue
            lengths = output["attention_mask"].sum(1).tolist()
            for i, vectors, length in zip(some, output["token_embeddings"], lengths, strict=True):
                found[i] = vectors[:length].half().cpu().numpy()
    finally:
        transformer.train(training)
    return [found[i] for i in range(len(texts))]


@contextmanager
def frozen(modules: Sequence[Any]) -> Iterator[None]:
    """While this is open the modules learn nothing, and pass features through that hold what they would make."""
    learning = [p for module in modules for p in module.parameters() if p.requires_grad]
    for module in modules:
        module.requires_grad_(False)
        module.forward = _passing(module.forward)
    try:
        yield
    finally:
        for module in modules:
            del module.forward  # the class's own again
        for parameter in learning:
            parameter.requires_grad_(True)


def _passing(forward: Any) -> Any:
    def passed(features: dict[str, Any], **settings: Any) -> dict[str, Any]:
        return features if GIVEN in features else forward(features, **settings)

    return passed
