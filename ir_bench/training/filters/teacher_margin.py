"""Negatives that a teacher takes for positives are left out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ir_bench.errors import InputError
from ir_bench.training.examples import Examples


@dataclass
class TeacherMargin:
    """Keeps the first `negatives` of each example that the teacher scores at least `margin` below the positive
    [kept, 1 + negatives]; an example with fewer of them is left out.

    Draw more negatives than are wanted. `negatives` is None where all must keep the margin.
    Raises InputError for examples without a teacher's scores, or with fewer negatives than are to be kept.
    Source: Qu et al. 2021, "RocketQA", section 3.2 (denoised hard negatives).
    """

    margin: float = 0.0
    negatives: int | None = None

    def __call__(self, examples: Examples) -> Examples:
        available = examples.document_rows.shape[1] - 1
        wanted = available if self.negatives is None else self.negatives
        if examples.teacher is None or wanted > available:
            raise InputError(
                "the examples have no teacher's scores"
                if examples.teacher is None
                else f"{wanted} negatives are to be kept of {available}",
                "examples with a teacher's scores and at least as many negatives as are kept",
                "give the recipe a teacher, or raise the count of its negatives",
            )
        teacher = examples.teacher
        good = teacher[:, 1:] <= teacher[:, :1] - self.margin  # padding has NaN, which is never below
        enough = good.sum(axis=1) >= wanted
        order = np.argsort(~good[enough], axis=1, kind="stable")[:, :wanted] + 1
        columns = np.concatenate([np.zeros((len(order), 1), np.int64), order], axis=1)
        some = examples.select(enough)
        return replace(
            some,
            document_rows=np.take_along_axis(some.document_rows, columns, 1),
            teacher=np.take_along_axis(teacher[enough], columns, 1),
        )
