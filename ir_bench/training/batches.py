"""Cutting examples into batches, and batch samplers as the sentence-transformers trainers want them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ir_bench.errors import InputError
from ir_bench.protocols import BatchSampler
from ir_bench.training.known import Rows


def in_batches(
    groups: Sequence[Rows], batch_size: int, drop_last: bool, generator: np.random.Generator | None = None
) -> Iterator[Rows]:
    """Groups of examples [group size] cut into whole batches [batch_size]; what is left of each, in order, fills the
    others. With a generator the batches come in random order, a last shorter one always at the end.

    The number of batches depends on the sizes alone. Raises InputError for a batch size below 1, and where there is no
    batch.
    """
    if batch_size < 1:
        raise InputError(f"the batch size is {batch_size}", "at least 1", "set batch_size=32, say")
    whole, left = [], []
    for group in groups:
        end = len(group) - len(group) % batch_size
        whole += [group[i : i + batch_size] for i in range(0, end, batch_size)]
        left.append(group[end:])
    rest = np.concatenate(left) if left else np.zeros(0, np.int64)
    whole += [rest[i : i + batch_size] for i in range(0, len(rest), batch_size)]
    short = [whole.pop()] if whole and len(whole[-1]) < batch_size else []
    if not whole and (drop_last or not short):
        raise InputError(
            f"{sum(map(len, groups))} examples make no batch of {batch_size}",
            "at least one batch",
            "lower the batch size, or keep the last, shorter batch",
        )
    order = range(len(whole)) if generator is None else generator.permutation(len(whole)).tolist()
    yield from (whole[i] for i in order)
    if not drop_last:
        yield from short


def for_trainer(sampler: BatchSampler, examples: int) -> Callable[..., Any]:
    """What `batch_sampler=` of sentence-transformers' training arguments takes, from a started sampler over so many
    examples; its own order by seed and epoch, not the trainer's, also after a resumed training.

    Calling it raises InputError for a training set with another number of rows.
    """
    from sentence_transformers.base.sampler import DefaultBatchSampler

    class Batches(DefaultBatchSampler):
        def __iter__(self) -> Iterator[list[int]]:
            for batch in sampler.batches(self.batch_size, self.epoch, self.drop_last):
                yield batch.tolist()

        def __len__(self) -> int:
            return sum(1 for _ in sampler.batches(self.batch_size, 0, self.drop_last))

    def make(dataset: Any, **settings: Any) -> Batches:
        if len(dataset) != examples:
            raise InputError(
                f"the training set has {len(dataset)} rows, the sampler was started with {examples} examples",
                "the training set that these examples gave",
                "call sampler.start(examples, seed) and examples.to_dataset() on the same examples",
            )
        return Batches(dataset, **settings)

    return make
