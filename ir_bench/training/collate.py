"""Examples as the batches of a sentence-transformers trainer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from ir_bench.protocols import BatchSampler, NegativeSource
from ir_bench.training.examples import Examples
from ir_bench.training.frozen import States
from ir_bench.training.known import Rows


@dataclass
class Numbered:
    """A started sampler that remembers which batch it gave last, so that draws for it are the same after a resume."""

    sampler: BatchSampler
    number: int = field(default=0, init=False)

    def start(self, examples: Examples, seed: int) -> None:
        self.sampler.start(examples, seed)

    def batches(self, batch_size: int, epoch: int, drop_last: bool = False) -> Iterator[Rows]:
        batches = list(self.sampler.batches(batch_size, epoch, drop_last))
        for i, batch in enumerate(batches):
            self.number = epoch * len(batches) + i
            yield batch


@dataclass(frozen=True)
class Redrawn:
    """Sources that draw negatives for each batch anew, one for each collection, in the order in which `together` put
    their examples; examples are all pairs, by number. Each of `before` is told the number of a batch first."""

    sources: Sequence[NegativeSource]
    sizes: Sequence[tuple[int, int]]  # pairs and documents of each collection
    before: Sequence[Callable[[int], None]] = ()

    def draw(self, examples: Examples, at: Rows, number: int) -> Examples:
        """The examples numbered `at` with the negatives of batch `number`."""
        for tell in self.before:
            tell(number)
        some = examples.select(at)
        rows = np.empty((len(at), self.sources[0].count), np.int64)
        first = shift = 0
        for source, (pairs, documents) in zip(self.sources, self.sizes, strict=True):
            own = np.flatnonzero((at >= first) & (at < first + pairs))
            if len(own):
                drawn = source.draw(at[own] - first, number)
                rows[own] = np.where(drawn < 0, -1, drawn + shift)
            first, shift = first + pairs, shift + documents
        return replace(some, document_rows=np.concatenate([some.document_rows[:, :1], rows], axis=1))


@dataclass
class Collate:
    """Rows of the training set, which hold the numbers of examples, to features of texts and packed labels.

    `redrawn` draws for each batch anew where it is given. `cached` is what frozen modules made of (queries,
    documents): pooled vectors take the place of the texts' tokens, token vectors go in beside them. `base` is the
    trainer's own collator.
    """

    base: Any
    examples: Examples
    numbered: Numbered
    redrawn: Redrawn | None = None
    cached: tuple[States, States] | None = None

    @property
    def valid_label_columns(self) -> Sequence[str]:
        return self.base.valid_label_columns

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        at = np.array([row["label"] for row in rows], np.int64)
        if self.redrawn is None:
            examples = self.examples.select(at)
        else:
            examples = self.redrawn.draw(self.examples, at, self.numbered.number)
        texts = examples.rows()
        if self.cached is None:
            return self.base(texts)
        if self.cached[0].pooled:
            batch = {"label": torch.tensor([row["label"] for row in texts])}
            batch |= {f"{name}_task": self.base.router_mapping[name] for name in examples.columns}
        else:
            batch = self.base(texts)
        for name, states, of in self._columns(examples):
            width = 0 if states.pooled else batch[f"{name}_input_ids"].shape[1]
            batch |= {f"{name}_{key}": value for key, value in states.features(of.tolist(), width).items()}
        return batch

    def _columns(self, examples: Examples) -> Iterator[tuple[str, States, Rows]]:
        assert self.cached is not None
        queries, documents = self.cached
        for i, name in enumerate(examples.columns):
            yield (
                name,
                queries if i == 0 else documents,
                examples.query_rows if i == 0 else (examples.document_rows[:, i - 1]),
            )
