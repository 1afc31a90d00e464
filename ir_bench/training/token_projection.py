"""A projection of token vectors to fewer dims that was fitted to a sample of documents, without queries or labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize
from torch.nn.utils.rnn import pad_sequence

DOCUMENTS, TOKENS = 48, 64  # of a step, and of a document at most
SPAN = (6, 24)  # tokens that stand for a query
RATE = 1e-3


def token_states(transformer: Any, texts: Sequence[str]) -> list[Tensor]:
    """Token vectors [tokens, dims] of each text, each of length 1."""
    states: list[Tensor] = []
    with torch.inference_mode():
        for start in range(0, len(texts), 16):
            features = transformer.preprocess(list(texts[start : start + 16]))
            output = transformer(features)
            for vectors, mask in zip(output["token_embeddings"], output["attention_mask"].bool(), strict=True):
                states.append(normalize(vectors[mask], dim=-1))
    return states


def principal_components(states: Sequence[Tensor], dims: int) -> Tensor:
    """The first eigenvectors [dims, all dims] of the second moments of token vectors, not centred."""
    total: Any = 0
    for vectors in states:
        total = total + vectors.double().T @ vectors.double()
    _, vectors = torch.linalg.eigh(total)
    components = vectors[:, -dims:].flip(1).T.float()
    # an eigenvector's sign is arbitrary, and differs between machines
    signs = torch.sign(components.gather(1, components.abs().argmax(1, keepdim=True)))
    return (components * signs).contiguous()


def keep_scores(weight: Tensor, states: Sequence[Tensor], steps: int, seed: int = 0) -> Tensor:
    """A projection [dims, all dims], begun as `weight`, by which MaxSim ranks as it does without one.

    In each step, spans of some documents stand for queries; the squared error of their MaxSim with all these documents,
    a mean over the span's tokens, is made smaller, after subtracting its mean over the documents: only differences
    matter for a ranking.
    """
    drawn = torch.Generator().manual_seed(seed)
    projection = weight.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([projection], lr=RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
    for _ in range(steps):
        rows = torch.randperm(len(states), generator=drawn)[:DOCUMENTS].tolist()
        spans = [_span(states[row], drawn) for row in rows]
        documents = [_some(states[row], drawn) for row in rows]
        lengths = torch.tensor([len(span) for span in spans])
        queries, padded = torch.cat(spans), pad_sequence(documents, batch_first=True)
        masked = pad_sequence([torch.ones(len(one), dtype=torch.bool) for one in documents], batch_first=True)
        error = _max_sim(_projected(queries, projection), _projected(padded, projection), masked, lengths)
        with torch.no_grad():
            error -= _max_sim(queries, padded, masked, lengths)
        loss = (error - error.mean(1, keepdim=True)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return projection.detach()


def _span(vectors: Tensor, drawn: torch.Generator) -> Tensor:
    length = int(torch.randint(SPAN[0], SPAN[1] + 1, (), generator=drawn))
    first = int(torch.randint(max(1, len(vectors) - length + 1), (), generator=drawn))
    return vectors[first : first + length]


def _some(vectors: Tensor, drawn: torch.Generator) -> Tensor:
    return vectors[torch.randperm(len(vectors), generator=drawn)[:TOKENS]]


def _projected(vectors: Tensor, projection: Tensor) -> Tensor:
    return normalize(vectors @ projection.T, dim=-1)


def _max_sim(queries: Tensor, documents: Tensor, mask: Tensor, lengths: Tensor) -> Tensor:
    """Means over each query's `lengths` of its tokens' maxima [queries, documents]."""
    best = torch.einsum("td,bld->tbl", queries, documents).masked_fill(~mask, -torch.inf).amax(2)
    of = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    sums = torch.zeros(len(lengths), len(documents)).index_add(0, of, best)
    return sums / lengths[:, None]
