"""Queries that change near to what they were trained on, and documents that stay what the checkpoint makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.training.architectures.bi_encoder import plain_bi_encoder
from ir_bench.training.kept import random_texts

RANDOM, ITERATIONS = 2048, 10
APART = 0.1  # share of the train queries that the gate's upper end is measured on
LEAST = 0.05  # width of the ramp


@dataclass
class GatedQuery:
    """Pooled vectors, those of queries plus g C times themselves (`GatedChange`), then length 1. C begins as zero, so
    that an untrained model is the checkpoint; documents are the checkpoint's always, and may share its index.

    The gate g opens by the cosine to the nearest of `centres`, spherical k-means of the train queries' vectors: 0 up to
    the `closed` percentile of texts of random words, 1 from the `open` percentile of train queries that k-means has not
    seen. On a collection whose queries are none nearer than that, every ranking is the checkpoint's.
    Raises InputError for other modules than a transformer, a pooling and a normalisation, and for no more queries than
    centres.
    Source: Karpukhin et al. 2020, Dense Passage Retrieval, section 3.1 (a tower for queries alone).
    Differs: the transformer is shared, the query's tower is one linear map over it, and there is a gate.
    """

    centres: int = 256
    closed: float = 95.0
    open: float = 50.0

    def build(self, model: str, documents: Sequence[str]) -> Any:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.base.modules import Normalize

        from ir_bench.modules.gated_change import GatedChange

        base, transformer, pooling = plain_bi_encoder(model)
        change = GatedChange(base.get_embedding_dimension(), self.centres, low=0.0, high=1.0)
        return SentenceTransformer(
            modules=[transformer, pooling, change, Normalize()],
            device="cpu",
            similarity_fn_name="cosine",
            prompts=base.prompts,
        )

    def place(self, built: Any, queries: Sequence[str]) -> None:
        import torch

        vectors = built.encode_query(sorted(set(queries)))  # C is zero: the checkpoint's
        drawn = np.random.default_rng(0).permutation(len(vectors))
        apart, rest = np.split(drawn, [round(APART * len(vectors))])
        if len(rest) <= self.centres or not len(apart):
            raise InputError(
                f"{len(vectors)} train queries for {self.centres} centres of the gate",
                "more queries than centres, a tenth of them left for measuring",
                "set fewer architecture.centres",
            )
        centres = _spherical(vectors[rest], self.centres)
        words = built.encode_query(random_texts(built.tokenizer, RANDOM, 0))
        change = built[2]
        change.low = float(np.percentile((words @ centres.T).max(1), self.closed))
        seen = float(np.percentile((vectors[apart] @ centres.T).max(1), self.open))
        change.high = max(seen, change.low + LEAST)
        change.centres.copy_(torch.from_numpy(centres))


def _spherical(vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """The centres [count, dims], of length 1, of unit vectors; those that begin first are the first vectors."""
    centres = vectors[:count].copy()
    for _ in range(ITERATIONS):
        nearest = (vectors @ centres.T).argmax(1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, vectors)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres)
    return centres
