"""Query and document read together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ir_bench import models

HEADS = ("classifier", "pre_classifier", "score", "pooler")  # what transformers calls the layers after the text's


@dataclass
class CrossEncoder:
    """A checkpoint's transformer under a classifier of one label, which begins at random where the checkpoint has none;
    scores are its last layer.

    `tokens` of query and document together; None: the checkpoint's limit. Raises InputError for a checkpoint that
    cannot be loaded, or that has several labels.
    Source: Nogueira and Cho 2019, Passage Re-ranking with BERT, section 3.
    """

    tokens: int | None = 256

    def build(self, model: str, documents: Sequence[str]) -> Any:
        import torch
        from sentence_transformers import CrossEncoder as Model

        with models.loading(model, begun=HEADS):
            folder = str(models.folder(model))
            return Model(folder, num_labels=1, max_length=self.tokens, activation_fn=torch.nn.Identity(), device="cpu")
