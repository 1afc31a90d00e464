"""One stage of a recipe: what is learned, from what, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ir_bench.protocols import (
    BatchSampler,
    BatchTeacher,
    ExampleFilter,
    NegativeSource,
    Objective,
    PairSource,
    Teacher,
    VectorTeacher,
)


@dataclass
class Stage:
    """`learns`: "head" trains the modules after the transformer, over token vectors that are made once; "lora" trains
    low-rank updates of the transformer and the later modules; "all" trains everything.

    `teacher` scores each example's documents once, before training; `batch_teacher` all documents of a batch for all
    its queries as it is trained on; `vector_teacher` gives vectors of the texts. With a teacher, filters or
    `one_negative_each`, which makes an example of every negative, negatives are drawn once, before training; else for
    each batch anew.
    `in_batch`: documents of the other queries of a batch are negatives too. `validate_every` steps nDCG@10 is measured
    on the held-out train queries; after `patience` measurements without a better one training stops, and the best
    weights are kept. With `mini_batch_size` at most so many texts of a column go through the model at once; the
    gradient is still that of the whole batch.
    `keep`: the weight of a term that holds the similarities of random words where they were (see `kept`).
    `mixing`: the share of what training changed in the weights that is kept. Below 1 a model loses less on collections
    that it was not trained on (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", equation 1).
    """

    pairs: PairSource
    negatives: NegativeSource
    sampler: BatchSampler
    objective: Objective
    teacher: Teacher | None = None
    batch_teacher: BatchTeacher | None = None
    vector_teacher: VectorTeacher | None = None
    filters: Mapping[str, ExampleFilter] = field(default_factory=dict)
    learns: Literal["head", "lora", "all"] = "all"
    in_batch: bool = True
    one_negative_each: bool = False
    steps: int = 1000
    batch_size: int = 32
    mini_batch_size: int | None = None
    learning_rate: float = 2e-5
    warm_up: float = 0.1
    weight_decay: float = 0.01
    maximum_norm: float = 1.0
    lora_rank: int = 16
    keep: float = 0.0
    mixing: float = 1.0
    validate_every: int = 100
    patience: int = 5
