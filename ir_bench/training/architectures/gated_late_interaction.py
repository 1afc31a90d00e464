"""Token vectors of queries that change near to what they were trained on, and of documents that stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ir_bench.training.architectures.late_interaction import LateInteraction
from ir_bench.training.gate import RANDOM, place_gate
from ir_bench.training.kept import random_texts


@dataclass
class GatedLateInteraction:
    """Projected token vectors as `LateInteraction` begins, those of queries plus g C times themselves (`GatedChange`),
    then length 1, scored by MaxSim. C begins as zero; the projection is fitted to documents and does not learn.

    The gate g of a query opens as `GatedQuery`'s does, by the mean of its projected token vectors: `centres` of the
    train queries, the `closed` percentile of random words, the `open` percentile of train queries. On a collection
    whose queries are none nearer than that, every ranking is that of the projection.
    Raises InputError for no more queries than centres.
    Source: Khattab and Zaharia 2020, "ColBERT", section 3.2.
    Differs: only a linear map of queries learns; there is a gate.
    """

    dimensions: int = 128
    init: Literal["pca", "scores"] = "scores"
    centres: int = 256
    closed: float = 95.0
    open: float = 50.0

    def build(self, model: str, documents: Sequence[str]) -> Any:
        from sentence_transformers import MultiVectorEncoder

        from ir_bench.modules.gated_change import GatedChange

        plain = LateInteraction(self.dimensions, self.init).build(model, documents)
        transformer, projection, normalise, mask = plain.children()
        projection.requires_grad_(False)
        change = GatedChange(self.dimensions, self.centres, low=0.0, high=1.0, tokens=True)
        return MultiVectorEncoder(
            modules=[transformer, projection, change, normalise, mask], device="cpu", prompts=plain.prompts
        )

    def place(self, built: Any, queries: Sequence[str]) -> None:
        import numpy as np

        def means(texts: Sequence[str]) -> Any:  # C is zero: of the projection's vectors
            vectors = [tokens.mean(0) for tokens in built.encode_query(list(texts), convert_to_numpy=True)]
            together = np.stack(vectors).astype(np.float32)
            return together / np.linalg.norm(together, axis=1, keepdims=True)

        words = random_texts(built.tokenizer, RANDOM, 0)
        place_gate(built[2], means(sorted(set(queries))), means(words), self.closed, self.open)
