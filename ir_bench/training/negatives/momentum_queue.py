"""Document vectors of earlier steps, kept as negatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText
from ir_bench.training.known import Rows, allowed
from ir_bench.training.started import require_started


@dataclass
class MomentumQueue:
    """The `count` entries of a first-in-first-out queue of `size` document vectors [n, count] nearest to each query.

    Entries are rows of documents, crops included, and of a document (or its crops) only the newest counts, so that a
    small collection does not fill the queue with copies. Those with an inner product above `max_similarity` are left
    out as likely positives. Without query vectors the newest entries are taken. Rows are -1 where the queue has too
    little, and always on the first step: the queue starts empty. After each step the trainer calls `enqueue` with the
    key tower's vectors, then `follow`; `vectors` gives what the rows of the last draw stand for.
    Differs: the original starts with random unit vectors, which only lower the first losses.
    Source: He et al. 2020, "Momentum Contrast for Unsupervised Visual Representation Learning"; Izacard et al. 2022,
    "Unsupervised Dense Information Retrieval with Contrastive Learning" (size, momentum).
    """

    count: int = 1024
    size: int = 65536
    momentum: float = 0.9995
    max_similarity: float | None = None
    _pairs: Pairs | None = field(default=None, init=False, repr=False, compare=False)
    _rows: Rows = field(default_factory=lambda: np.zeros(0, np.int64), init=False, repr=False, compare=False)
    _vectors: NDArray[np.float32] | None = field(default=None, init=False, repr=False, compare=False)

    def start(self, text: TrainingText, pairs: Pairs, store: Store, seed: int) -> None:
        self._pairs, self._rows, self._vectors = pairs, np.zeros(0, np.int64), None

    def enqueue(self, rows: Rows, vectors: NDArray[np.floating]) -> None:
        """Take document vectors [n, dims] in; the oldest beyond `size` go out.

        Raises InputError for numbers of rows and vectors that differ, and for other dimensions than before.
        """
        known = require_started(self._pairs, self).known
        before = np.zeros((0, vectors.shape[-1]), np.float32) if self._vectors is None else self._vectors
        if len(rows) != len(vectors) or before.shape[1] != vectors.shape[1]:
            raise InputError(
                f"{len(rows)} rows with vectors of shape {list(vectors.shape)}",
                f"as many vectors as rows, of {before.shape[1]} dimensions",
                "give the vectors of one model",
            )
        joined = np.concatenate([self._rows, rows])
        _, newest = np.unique(known.documents[joined][::-1], return_index=True)
        kept = np.sort(len(joined) - 1 - newest)[-self.size :]
        self._rows = joined[kept]
        self._vectors = np.concatenate([before, np.asarray(vectors, np.float32)])[kept]

    def draw(self, at: Rows, step: int, query_vectors: NDArray[Any] | None = None) -> Rows:
        pairs = require_started(self._pairs, self)
        drawn = np.full((len(at), self.count), -1, np.int64)
        if self._vectors is None:
            return drawn
        usable = allowed(pairs.known, pairs.query_rows[at, None], self._rows[None, :])
        if query_vectors is None:
            scores = np.broadcast_to(np.arange(len(self._rows), dtype=np.float32), usable.shape)
        else:
            scores = np.asarray(query_vectors, np.float32) @ self._vectors.T
            if self.max_similarity is not None:
                usable = usable & (scores <= self.max_similarity)
        order = np.argsort(np.where(usable, -scores, np.inf), axis=1, kind="stable")[:, : self.count]
        found = np.where(np.take_along_axis(usable, order, 1), self._rows[order], -1)
        drawn[:, : found.shape[1]] = found
        return drawn

    def vectors(self, rows: Rows) -> NDArray[np.float32]:
        """The queue's vectors [n, count, dims] of rows drawn since the last `enqueue`; zeros where a row is -1."""
        order = np.argsort(self._rows, kind="stable")
        places = order[np.minimum(np.searchsorted(self._rows, rows, sorter=order), max(0, len(order) - 1))]
        vectors = require_started(self._vectors, self)[places]
        return np.where((rows >= 0)[..., None], vectors, np.float32(0))

    def state(self) -> dict[str, NDArray[Any]]:
        """What it holds, to be kept beside a checkpoint."""
        vectors = np.zeros((0, 0), np.float32) if self._vectors is None else self._vectors
        return {"rows": self._rows, "vectors": vectors}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """What `state` gave."""
        self._rows, self._vectors = state["rows"], state["vectors"] if len(state["rows"]) else None

    def follow(self, key: Any, query: Any) -> None:
        """Move the key tower's parameters (torch modules of one kind) towards the query tower's."""
        import torch

        with torch.no_grad():
            for slow, fast in zip(key.parameters(), query.parameters(), strict=True):
                slow.mul_(self.momentum).add_(fast, alpha=1 - self.momentum)
