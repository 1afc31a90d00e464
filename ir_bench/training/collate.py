"""Examples as the batches of a sentence-transformers trainer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ir_bench.protocols import BatchSampler, NegativeSource
from ir_bench.training.examples import Examples, make_examples
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


@dataclass
class Collate:
    """Rows of the training set, which hold the numbers of examples, to features of texts and packed labels.

    `negatives` draws for each batch anew where it is given. `cached` is what frozen modules made of (queries,
    documents), which goes in beside the texts' tokens. `base` is the trainer's own collator.
    """

    base: Any
    examples: Examples
    numbered: Numbered
    negatives: NegativeSource | None = None
    cached: tuple[States, States] | None = None

    @property
    def valid_label_columns(self) -> Sequence[str]:
        return self.base.valid_label_columns

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        at = np.array([row["label"] for row in rows], np.int64)
        if self.negatives is None:
            examples = self.examples.select(at)
        else:
            examples = make_examples(self.examples.pairs, self.negatives, self.numbered.number, at)
        texts = examples.to_dataset()
        batch = self.base([texts[i] for i in range(len(texts))])
        if self.cached is not None:
            for name, states, of in self._columns(examples):
                made = states.features(of.tolist(), batch[f"{name}_input_ids"].shape[1])
                batch |= {f"{name}_{key}": value for key, value in made.items()}
        return batch

    def _columns(self, examples: Examples) -> Iterator[tuple[str, States, Rows]]:
        assert self.cached is not None
        queries, documents = self.cached
        yield "query", queries, examples.query_rows
        for i in range(examples.document_rows.shape[1]):
            yield "positive" if i == 0 else f"negative_{i}", documents, examples.document_rows[:, i]
