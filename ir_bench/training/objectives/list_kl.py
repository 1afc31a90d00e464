"""Divergence of the student's distribution over a candidate list from the teacher's."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ir_bench.errors import InputError
from ir_bench.training.masked import divergence
from ir_bench.training.step import Step, require_teacher


@dataclass
class ListKL:
    """KL(softmax(t / τ_teacher) || softmax(s / τ_student)) over the candidates that count, averaged over queries.

    `in_batch`: over the whole batch's documents, which the teacher must then have scored, instead of each query's own.
    Lists of one candidate are left out: their softmax is constant.
    Raises InputError for a missing teacher score and a batch in which no query has two candidates.
    Source: Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015; over in-batch lists: Lin,
    Yang and Lin, "Distilling dense representations for ranking using tightly-coupled teachers", 2020.
    Differs: no factor τ², which sentence-transformers applies; give a weight instead.
    """

    student_temperature: float = 1.0
    teacher_temperature: float = 1.0
    in_batch: bool = False

    def __call__(self, step: Step) -> Tensor:
        step = step if self.in_batch else step.own_lists()
        teacher = require_teacher(step, of_batch=self.in_batch)
        lists = step.mask.sum(1) > 1
        if not lists.any():
            raise InputError(
                "no query of the batch has two candidates: all others are known positives, its own document or padding",
                "lists of at least two",
                "mine negatives, or distil over the batch (in_batch: true) from a teacher that scores all of it",
            )
        apart = divergence(
            teacher[lists], step.scores[lists], step.mask[lists], self.teacher_temperature, self.student_temperature
        )
        return step.mean(apart, lists.nonzero().flatten())
