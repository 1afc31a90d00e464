"""Queries that change near to what they were trained on, and documents that stay what the checkpoint makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ir_bench.training.architectures.bi_encoder import plain_bi_encoder
from ir_bench.training.gate import RANDOM, place_gate
from ir_bench.training.kept import random_texts


@dataclass
class GatedQuery:
    """Pooled vectors, those of queries plus g C times themselves (`GatedChange`), then length 1. C begins as zero, so
    that an untrained model is the checkpoint; documents are the checkpoint's always, and may share its index.

    The gate g opens by the cosine to the nearest of `centres`, spherical k-means of the train queries' vectors: 0 up to
    the `closed` percentile of texts of random words, 1 from the `open` percentile of train queries that k-means has not
    seen, both moved up by `later` times the distance between them. On a collection whose queries are none nearer than
    that, every ranking is the checkpoint's.
    Raises InputError for other modules than a transformer, a pooling and a normalisation, and for no more queries than
    centres.
    Source: Karpukhin et al. 2020, Dense Passage Retrieval, section 3.1 (a tower for queries alone).
    Differs: the transformer is shared, the query's tower is one linear map over it, and there is a gate.
    """

    centres: int = 256
    closed: float = 95.0
    open: float = 50.0
    later: float = field(default=0.0, metadata={"added": 0.0})

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
        vectors = built.encode_query(sorted(set(queries)))  # C is zero: the checkpoint's
        words = built.encode_query(random_texts(built.tokenizer, RANDOM, 0))
        place_gate(built[2], vectors, words, self.closed, self.open, self.later)
