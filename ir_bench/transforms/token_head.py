"""A head that was trained over token vectors of a frozen model and gives token vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench import models
from ir_bench.checkpoints import Stored, token_vectors, unpadded
from ir_bench.errors import InputError
from ir_bench.heads import Head, Task, padded, require_base
from ir_bench.protocols import Encoder
from ir_bench.types import MultiVector, Strings


@dataclass
class TokenHead:
    """Token vectors [tokens, dims] of the frozen model to those of a late-interaction model trained on top of it.

    `model` is a folder that `ir-bench train` wrote for a recipe with learns=head, or head:NAME. The encoder must be
    the model that it was trained on, with its token limit and special tokens. `storage` is the number format of
    document vectors; queries are float32.
    Raises InputError for a folder without a head, or a head for vectors of other dims or kind.
    """

    accepts: ClassVar[type] = MultiVector
    produces: ClassVar[type] = MultiVector

    model: str = field(metadata={"changes_results": False})  # provenance() names it, and its weights
    storage: Stored = "float16"
    _head: Head | None = field(default=None, init=False, repr=False, compare=False)

    def provenance(self) -> Mapping[str, object]:
        return models.provenance(self.model)

    def require(self, encoder: Encoder) -> None:
        """Raises InputError unless the encoder's weights are those that the head was trained on."""
        require_base(self.model, encoder)

    def fit(self, documents: MultiVector) -> None:
        self._opened()

    def documents(self, vectors: MultiVector) -> MultiVector:
        return self._applied(vectors, "document", self.storage)

    def queries(self, vectors: MultiVector) -> MultiVector:
        return self._applied(vectors, "query", "float32")

    def _applied(self, vectors: MultiVector, task: Task, stored: Stored) -> MultiVector:
        head = self._opened()
        order: list[NDArray[np.int64]] = []
        parts = []
        some = vectors if len(vectors) else MultiVector(vectors.values[:0], np.zeros(2, np.int64), vectors.tokens)
        for rows, features in padded(some):
            try:
                if not order:
                    head.require_directions(features, task, "token_embeddings")
                found = head(features, task)
                parts.append(unpadded(found, found["attention_mask"], stored))
            except (KeyError, RuntimeError) as error:
                raise InputError(
                    f"the head of {self.model} does not take token vectors of {vectors.values.shape[1]} dimensions: "
                    f"{error}",
                    "token vectors, with their tokens, of the model that it was trained on",
                    "choose the encoder that training.json names; dense_head is for pooled vectors",
                ) from None
            order.append(rows)
        vocabulary = vectors.vocabulary if vectors.vocabulary is not None else Strings.of(())
        made = token_vectors(np.concatenate(order), parts, f"a vector of {task}", vocabulary)
        return made[: len(vectors)]

    def _opened(self) -> Head:
        if self._head is None:
            self._head = Head.load(self.model)
        return self._head
