"""Training steps for tests: small, random by seed, with everything that an objective may read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ir_bench.training.padded_tokens import PaddedTokens
from ir_bench.training.step import Step


def random_step(
    seed: int = 0,
    queries: int = 3,
    candidates: int = 5,
    dimensions: int = 4,
    layers: int = 3,
    dtype: torch.dtype = torch.float64,
    **changes: Any,
) -> Step:
    """One or two positives, at least one negative and some masked candidates a query; scores and vectors are leaves."""
    generator = torch.Generator().manual_seed(seed)

    def leaf(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=dtype).requires_grad_()

    order = torch.rand(queries, candidates, generator=generator).argsort(1)
    labels = (order == 0) | (order == 1) & (torch.rand(queries, 1, generator=generator) < 0.5)
    mask = (torch.rand(queries, candidates, generator=generator) < 0.7) | (order == 0) | (order == 2)
    step = Step(
        scores=leaf(queries, candidates),
        labels=labels.to(dtype),
        mask=mask,
        teacher=leaf(queries, candidates).detach(),
        query_vectors=leaf(queries, dimensions),
        document_vectors=leaf(candidates, dimensions),
        teacher_query_vectors=leaf(queries, dimensions).detach(),
        teacher_document_vectors=leaf(candidates, dimensions).detach(),
        layers=[(leaf(queries, dimensions), leaf(candidates, dimensions)) for _ in range(layers)],
        idf=torch.rand(dimensions, generator=generator, dtype=dtype) + 0.5,
        number=7,
    )
    return replace(step, **changes)


def random_tokens(
    own_lists: bool = False,
    seed: int = 0,
    mean: bool = False,
    queries: int = 3,
    candidates: int = 4,
    dimensions: int = 6,
) -> PaddedTokens:
    """Random ones; every text has a token that counts, and in some one in the middle does not."""
    generator = torch.Generator().manual_seed(seed)
    lists = (queries, candidates) if own_lists else (candidates,)

    def side(texts: tuple[int, ...], tokens: int) -> tuple[Tensor, Tensor]:
        lengths = torch.randint(2, tokens + 1, texts, generator=generator)
        mask = torch.arange(tokens) < lengths[..., None]
        mask[..., 1] &= torch.rand(texts, generator=generator) < 0.5
        return torch.randn(*texts, tokens, dimensions, generator=generator).requires_grad_(), mask

    return PaddedTokens(*side((queries,), 3), *side(lists, 5), mean=mean)


def leaves(step: Step) -> list[Tensor]:
    """What the model would be trained through: the scores, then all vectors."""
    layered = [vectors for pair in step.layers or () for vectors in pair]
    tokens = () if step.tokens is None else (step.tokens.queries, step.tokens.documents)
    return [x for x in (step.scores, step.query_vectors, step.document_vectors, *layered, *tokens) if x is not None]


def gradients(value: Tensor, step: Step) -> list[Tensor]:
    """The value's gradient in each leaf, zero where it does not depend on it."""
    inputs = leaves(step)
    found = torch.autograd.grad(value, inputs, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True)]


def permuted(step: Step, order: Tensor) -> Step:
    """The same step with its candidates in another order."""

    def columns(matrix: Tensor | None) -> Tensor | None:
        return None if matrix is None else matrix[:, order]

    def rows(vectors: Tensor | None) -> Tensor | None:
        if vectors is None:
            return None
        return vectors[:, order] if vectors.ndim == 3 else vectors[order]

    tokens = step.tokens
    if tokens is not None:
        documents, mask = (d[order] for d in (tokens.documents, tokens.documents_mask))
        tokens = replace(tokens, documents=documents, documents_mask=mask)
    return replace(
        step,
        scores=columns(step.scores),
        labels=columns(step.labels),
        mask=columns(step.mask),
        teacher=columns(step.teacher),
        own=columns(step.own),
        document_vectors=rows(step.document_vectors),
        teacher_document_vectors=rows(step.teacher_document_vectors),
        tokens=tokens,
        layers=None if step.layers is None else [(q, rows(d)) for q, d in step.layers],
    )
