"""One tower for queries and documents, as the checkpoint has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ir_bench import models


@dataclass
class BiEncoder:
    """The checkpoint's own modules: transformer, pooling, what follows. Raises InputError if it cannot be loaded."""

    def build(self, model: str, documents: Sequence[str]) -> Any:
        from sentence_transformers import SentenceTransformer

        with models.loading(model):
            return SentenceTransformer(str(models.folder(model)), device="cpu")
