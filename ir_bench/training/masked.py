"""Arithmetic over candidates of which some do not count: their scores change neither value nor gradient.

A masked score is replaced, never multiplied by zero: 0 · inf and 0 · NaN are NaN, and a zero could win a maximum.
"""

from __future__ import annotations

import torch
from torch import Tensor


def filled(scores: Tensor, mask: Tensor) -> Tensor:
    """The scores [queries, candidates] with the lowest number of their type where the mask is False."""
    return scores.masked_fill(~mask, torch.finfo(scores.dtype).min)


def divided(scores: Tensor, mask: Tensor, temperature: float | Tensor) -> Tensor:
    """Scores over a temperature [queries, candidates], 0 where the mask is False."""
    # Filled first: a learned temperature's gradient would otherwise meet 0 · NaN from a masked score.
    return scores.masked_fill(~mask, 0) / temperature


def log_softmax(scores: Tensor, mask: Tensor, temperature: float = 1.0) -> Tensor:
    """log softmax over the candidates that count [queries, candidates]; what does not count has probability 0."""
    # Divided before it is filled: the lowest number over a temperature below 1 would be minus infinity.
    return torch.log_softmax(filled(divided(scores, mask, temperature), mask), -1)


def divergence(
    teacher: Tensor, student: Tensor, mask: Tensor, teacher_temperature: float, student_temperature: float
) -> Tensor:
    """KL(softmax(teacher) || softmax(student)) of each query [queries], over the candidates that count."""
    expected = log_softmax(teacher.detach().to(student), mask, teacher_temperature)
    got = log_softmax(student, mask, student_temperature)
    return (expected.exp() * (expected - got)).masked_fill(~mask, 0).sum(-1)
