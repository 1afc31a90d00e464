"""A tower for queries and one for documents over one transformer: each has a linear layer of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ir_bench.training.architectures.bi_encoder import plain_bi_encoder


@dataclass
class TwoTower:
    """Pooled vectors times a matrix [dims, dims] of their side, then length 1; both matrices begin as the identity, so
    that an untrained model is the checkpoint.

    Source: Karpukhin et al. 2020, Dense Passage Retrieval, section 3.1 (two encoders).
    Differs: the transformer is shared, and only the last layer is one for each side; cosine instead of dot product.
    """

    def build(self, model: str, documents: Sequence[str]) -> Any:
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.base.modules import Dense, Normalize, Router
        from torch import nn

        base, transformer, pooling = plain_bi_encoder(model)
        dims = base.get_embedding_dimension()

        def tower() -> list[Any]:
            return [Dense(dims, dims, bias=False, activation_function=nn.Identity(), init_weight=torch.eye(dims))]

        router = Router({"query": tower(), "document": tower()}, default_route="document")
        return SentenceTransformer(
            modules=[transformer, pooling, router, Normalize()],
            device="cpu",
            similarity_fn_name="cosine",
            prompts=base.prompts,
        )
