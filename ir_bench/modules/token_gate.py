"""A learned gate for each vector of a document, which leaves out those that it closes for."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from torch import nn

from ir_bench.modules.weighted import Weighted


class TokenGate(Weighted):
    """Document vectors v [texts, tokens, dims] times relu(w · v + b), of queries unchanged; w begins as 0 and b as 1.

    Outside of training, vectors whose gate is 0 are taken out of the attention mask: an encoder or index does not keep
    them. In training they stay, as vectors of zeros. With vectors of length 1 before it, a gate is the length of what
    comes out, which objective `token_lengths` makes small.
    Reads and gives `token_embeddings` and `attention_mask`.

    Source: Hofstätter, Khattab, Althammer, Sertkan and Hanbury 2022, "Introducing Neural Bag of Whole-Words with
    ColBERTer", contextualised stopwords. Differs: w begins as 0, so that every gate begins as 1.
    """

    forward_kwargs: ClassVar[set[str]] = {"task"}
    config_keys: ClassVar[list[str]] = ["dims"]

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.dims = dims
        self.gate = nn.Linear(dims, 1)
        nn.init.zeros_(self.gate.weight)
        nn.init.ones_(self.gate.bias)

    def forward(
        self, features: dict[str, Any], task: Literal["query", "document"] | None = None, **_: Any
    ) -> dict[str, Any]:
        if (task or features.get("task")) == "query":
            return features
        opened = torch.relu(self.gate(features["token_embeddings"]))
        features["token_embeddings"] = features["token_embeddings"] * opened
        if not self.training:
            features["attention_mask"] = features["attention_mask"].bool() & (opened[:, :, 0] > 0)
        return features

    def get_embedding_dimension(self) -> int:
        return self.dims
