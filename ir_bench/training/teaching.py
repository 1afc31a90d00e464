"""What a stage's teachers and regularisers give each batch, made of its settings and the train splits."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ir_bench.errors import InputError
from ir_bench.protocols import BatchTeacher
from ir_bench.store import Store
from ir_bench.training.examples import Examples, TrainingText
from ir_bench.training.nested import needs_idf
from ir_bench.training.stage import Stage
from ir_bench.training.taught import Taught, inverse_document_frequencies

Split = Mapping[str, tuple[TrainingText, TrainingText]]  # collection → to train on, held out


def batch_teacher(stage: Stage, examples: Examples, split: Split, store: Store) -> Any:
    """What scores each batch as it is trained on, or None. Raises InputError for a teacher that cannot."""
    if stage.batch_teacher is None:
        return None
    if not isinstance(stage.batch_teacher, BatchTeacher):
        raise InputError(
            f"{type(stage.batch_teacher).__name__} cannot score a batch as it is trained on",
            "a teacher with online(pairs), such as teacher=max_sim",
            "give it as the stage's teacher, which scores before training",
        )
    teacher = copy.deepcopy(stage.batch_teacher)
    for train, _ in split.values():
        teacher.start(train, store)
    return teacher.online(examples.pairs)


def vector_teacher(stage: Stage, examples: Mapping[str, Examples], split: Split, store: Store) -> Taught | None:
    """What gives each batch vectors to learn from, or None."""
    if stage.vector_teacher is None:
        return None
    teachers = []
    for name, each in examples.items():
        teachers.append(copy.deepcopy(stage.vector_teacher))
        teachers[-1].start(split[name][0], each.pairs, store)
    return Taught(teachers, [(len(e.pairs.queries), len(e.pairs.documents)) for e in examples.values()])


def idf(model: Any, stage: Stage, split: Split) -> Any:
    """Inverse document frequencies [terms] over the documents of all train splits, or None where no objective reads
    them."""
    if not needs_idf(stage.objective):
        return None
    return inverse_document_frequencies(model, [d for train, _ in split.values() for d in train.documents])
