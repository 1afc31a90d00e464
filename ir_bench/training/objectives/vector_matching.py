"""A student's vectors made like a teacher's: in themselves, in their similarities, in the order of similarities."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ir_bench.errors import InputError
from ir_bench.training.step import Step


@dataclass
class VectorMatching:
    """cosine · mean(1 - s·t) + gram · mean((SSᵀ - TTᵀ)²) + order · mean(max(0, s_m·s_n - s_i·s_j + margin)).

    S and T [texts, dimensions] are the unit vectors of the batch's texts, queries and documents together where the
    teacher has both; the last mean is over the text pairs (i, j), (m, n) with t_i·t_j > t_m·t_n. Of more than `pairs`
    text pairs as many are drawn, by the step's number: comparing all would take the fourth power of the batch.
    A weight of 0 leaves a term out; where dimensions differ, `cosine` must be 0.
    Raises InputError without teacher vectors, and where dimensions differ though `cosine` is not 0.
    Source: Zhang et al., "Jasper and Stella: distillation of SOTA embedding models", 2024, with its weights and margin.
    Differs: text pairs that the teacher ties state no order and are left out.
    """

    cosine: float = 10.0
    gram: float = 200.0
    order: float = 20.0
    margin: float = 0.015
    pairs: int = 1024

    def __call__(self, step: Step) -> Tensor:
        student, teacher = _texts(step)
        value = student.new_zeros(())
        if self.cosine:
            if student.shape != teacher.shape:
                raise InputError(
                    f"the student has {student.shape[1]} dimensions, the teacher {teacher.shape[1]}",
                    "as many, for a cosine between them",
                    "cosine=0, or project one to the other's dimensions",
                )
            value = value + self.cosine * (1 - (student * teacher).sum(1)).mean()
        if self.gram:
            value = value + self.gram * (student @ student.T - teacher @ teacher.T).square().mean()
        if self.order:
            value = value + self.order * self._order(student, teacher, step.number)
        return value

    def _order(self, student: Tensor, teacher: Tensor, number: int) -> Tensor:
        first, second = torch.triu_indices(len(student), len(student), 1, device=student.device)
        if len(first) > self.pairs:
            drawn = torch.randperm(len(first), generator=torch.Generator().manual_seed(number))[: self.pairs]
            first, second = first[drawn.to(first.device)], second[drawn.to(first.device)]
        got, expected = (student[first] * student[second]).sum(1), (teacher[first] * teacher[second]).sum(1)
        closer, farther = (expected[:, None] > expected[None, :]).nonzero(as_tuple=True)
        if not len(closer):
            return student.sum() * 0  # one text, or all equally far: nothing to order
        return functional.relu(got[farther] - got[closer] + self.margin).mean()


def _texts(step: Step) -> tuple[Tensor, Tensor]:
    """Unit vectors of student and teacher [texts, dimensions]."""
    documents = step.document_vectors
    counts = step.mask if documents is not None and documents.ndim == 3 else step.mask.any(0)
    sides = [
        (student, teacher)
        for student, teacher in (
            (step.query_vectors, step.teacher_query_vectors),
            tuple(v if v is None else v[counts] for v in (documents, step.teacher_document_vectors)),
        )
        if student is not None and teacher is not None
    ]
    if not sides:
        raise InputError(
            "this objective matches vectors, but the step has none of a teacher",
            "teacher vectors for the queries, the documents or both",
            "give the recipe a teacher of vectors, or take an objective over scores",
        )
    student, teacher = (functional.normalize(torch.cat(parts), dim=1) for parts in zip(*sides, strict=True))
    return student, teacher.detach().to(student)
