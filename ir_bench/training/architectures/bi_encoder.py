"""One tower for queries and documents, as the checkpoint has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ir_bench import models
from ir_bench.errors import InputError


@dataclass
class BiEncoder:
    """The checkpoint's own modules: transformer, pooling, what follows. Raises InputError if it cannot be loaded."""

    def build(self, model: str, documents: Sequence[str]) -> Any:
        from sentence_transformers import SentenceTransformer

        with models.loading(model):
            return SentenceTransformer(str(models.folder(model)), device="cpu")


def plain_bi_encoder(model: str) -> tuple[Any, Any, Any]:
    """A checkpoint, its transformer and its pooling, for a head to come after them.

    Raises InputError for one with other modules than a transformer, a pooling and a normalisation.
    """
    base = BiEncoder().build(model, [])
    modules = list(base.children())
    if len(modules) < 2 or any(type(m).__name__ not in ("Pooling", "Normalize") for m in modules[1:]):
        raise InputError(
            f"{model} has the modules {', '.join(type(m).__name__ for m in modules)}",
            "a transformer and a pooling, perhaps a normalisation",
            "choose a plain bi-encoder, or train it as architecture=bi_encoder",
        )
    return base, modules[0], next(m for m in modules if type(m).__name__ == "Pooling")
