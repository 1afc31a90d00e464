"""A head that was trained over pooled vectors of a frozen model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ir_bench import models
from ir_bench.errors import InputError
from ir_bench.heads import Head, Task, require_base
from ir_bench.protocols import Encoder
from ir_bench.types import Dense

ROWS = 4096


@dataclass
class DenseHead:
    """Vectors [texts, dims] of the frozen model to those [texts, dims] of a model trained on top of it, for queries and
    documents by their own layers where it has such.

    `model` is a folder that `ir-bench train` wrote for a recipe with learns=head, or head:NAME. The encoder must be
    the model that it was trained on. Many heads share one encoding.
    Raises InputError for a folder without a head, or a head for vectors of other dims or kind.
    """

    accepts: ClassVar[type] = Dense
    produces: ClassVar[type] = Dense

    model: str = field(metadata={"changes_results": False})  # provenance() names it, and its weights
    _head: Head | None = field(default=None, init=False, repr=False, compare=False)

    def provenance(self) -> Mapping[str, object]:
        return models.provenance(self.model)

    def require(self, encoder: Encoder) -> None:
        """Raises InputError unless the encoder's weights are those that the head was trained on."""
        require_base(self.model, encoder)

    def fit(self, documents: Dense) -> None:
        self._opened()

    def documents(self, vectors: Dense) -> Dense:
        return self._applied(vectors, "document")

    def queries(self, vectors: Dense) -> Dense:
        return self._applied(vectors, "query")

    def _applied(self, vectors: Dense, task: Task) -> Dense:
        import numpy as np
        import torch

        head = self._opened()
        parts = []
        for start in range(0, max(1, len(vectors)), ROWS):
            block = np.array(vectors.values[start : start + ROWS], np.float32)  # a copy: the store's is read-only
            try:
                features = head({"sentence_embedding": torch.from_numpy(block)}, task)
            except (KeyError, RuntimeError) as error:
                raise InputError(
                    f"the head of {self.model} does not take vectors of {block.shape[1]} dimensions: {error}",
                    "pooled vectors of the model that it was trained on",
                    "choose the encoder that training.json names; token_head and sparse_head are for token vectors",
                ) from None
            parts.append(features["sentence_embedding"].numpy())
        return Dense(np.concatenate(parts))

    def _opened(self) -> Head:
        if self._head is None:
            self._head = Head.load(self.model)
        return self._head
