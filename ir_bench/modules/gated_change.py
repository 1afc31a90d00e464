"""A linear change of query vectors, made only near to what it was learned from."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from torch import nn

from ir_bench.modules.mean_of_units import mean_of_units
from ir_bench.modules.weighted import Weighted


class GatedChange(Weighted):
    """Query vectors v [texts, dims] to v + g(v) C v, of documents to themselves; C [dims, dims] is learned and begins
    as zero.

    g is 0 where the largest cosine of v with the `centres` [centres, dims], of length 1, is at most `low`, 1 where it
    is at least `high`, and linear in between: far from what was trained on, a ranking is that without this module.
    `tokens`: token vectors [texts, tokens, dims] instead, all of a text by the g of their mean, each of length 1 in it.
    Reads and gives `sentence_embedding`, or `token_embeddings` beside `attention_mask`.

    Source: Sun et al. 2022, "Out-of-distribution detection with deep nearest neighbors", section 3 (the distance to
    what was trained on tells what is unknown). Differs: nearest of some cluster centres instead of the k-th nearest
    vector, and a ramp instead of a threshold.
    """

    forward_kwargs: ClassVar[set[str]] = {"task"}
    config_keys: ClassVar[list[str]] = ["dims", "count", "low", "high", "tokens"]

    def __init__(self, dims: int, count: int, low: float, high: float, tokens: bool = False) -> None:
        super().__init__()
        self.dims, self.count, self.low, self.high, self.tokens = dims, count, low, high, tokens
        self.centres: torch.Tensor
        self.register_buffer("centres", torch.zeros(count, dims))
        self.change = nn.Linear(dims, dims, bias=False)
        nn.init.zeros_(self.change.weight)

    def forward(
        self, features: dict[str, Any], task: Literal["query", "document"] | None = None, **_: Any
    ) -> dict[str, Any]:
        if (task or features.get("task")) == "query":  # in training only the features tell
            name = "token_embeddings" if self.tokens else "sentence_embedding"
            vectors = features[name]
            if self.tokens:
                opened = self.openness(mean_of_units(vectors, features["attention_mask"]))[:, :, None]
            else:
                opened = self.openness(vectors)
            features[name] = vectors + opened * self.change(vectors)
        return features

    def openness(self, vectors: torch.Tensor) -> torch.Tensor:
        """g [texts, 1] of vectors [texts, dims]."""
        units = nn.functional.normalize(vectors, dim=-1)
        nearest = (units @ self.centres.T).amax(1, keepdim=True)
        return ((nearest - self.low) / (self.high - self.low)).clamp(0, 1)

    def get_embedding_dimension(self) -> int:
        return self.dims
