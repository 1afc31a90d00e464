"""How much each term of the vocabulary weighs in a text: SPLADE's head over any transformer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from ir_bench.modules.weighted import Weighted


class SpladeHead(Weighted):
    """Token vectors [texts, tokens, dims] to weights of all terms [texts, vocabulary].

    log(1 + relu(<e_t, A h_j + a> + b_t)), the maximum or the sum over a text's tokens j; e_t are the transformer's
    input embeddings, which do not learn. Terms in `without` (special tokens) weigh nothing; masked tokens are not read.
    `queries`: "neural" as documents; "words" 1 for each token of the query, "idf" its `importance` [vocabulary].
    Reads `token_embeddings`, `attention_mask` and `input_ids`; gives `sentence_embedding`.

    Source: Formal, Piwowarski and Clinchant 2021, "SPLADE", section 3.1 (sum), and Formal et al. 2021, "SPLADE v2",
    sections 3.1 (maximum) and 3.3 (queries without expansion); Geng et al. 2024, "Towards Competitive Search Relevance
    For Inference-Free Learned Sparse Retrievers" (idf).
    Differs: one linear map instead of a masked language model's head, for transformers that come without one; query
    terms count once however often they occur.
    """

    forward_kwargs: ClassVar[set[str]] = {"task"}
    config_keys: ClassVar[list[str]] = ["dims", "vocabulary", "pooling", "queries", "without"]

    def __init__(
        self,
        dims: int,
        vocabulary: int,
        pooling: Literal["max", "sum"] = "max",
        queries: Literal["neural", "words", "idf"] = "neural",
        without: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.dims, self.vocabulary, self.pooling, self.queries = dims, vocabulary, pooling, queries
        self.without = list(without)
        self.table: torch.Tensor
        self.importance: torch.Tensor
        self.register_buffer("table", torch.zeros(vocabulary, dims))
        self.register_buffer("importance", torch.ones(vocabulary))
        self.linear = nn.Linear(dims, dims)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(
        self, features: dict[str, Any], task: Literal["query", "document"] | None = None, **_: Any
    ) -> dict[str, Any]:
        mask = features["attention_mask"].bool()
        query = (task or features.get("task")) == "query"  # in training only the features tell
        if query and self.queries != "neural":
            weights = self._words(features["input_ids"], mask)
        else:
            vectors = features["token_embeddings"].to(self.table.dtype)
            # the logits of one text take 30 MB: they are computed again for the gradient instead of being kept
            weights = torch.stack(
                [
                    checkpoint(self._text, own[used], use_reentrant=False)
                    for own, used in zip(vectors, mask, strict=True)
                ]
            )
        if self.without:
            weights = weights.index_fill(1, torch.tensor(self.without, device=weights.device), 0)
        features["sentence_embedding"] = weights
        return features

    def _text(self, vectors: torch.Tensor) -> torch.Tensor:
        if not len(vectors):
            return self.bias * 0
        weights = (self.linear(vectors) @ self.table.T + self.bias).relu().log1p()
        return weights.amax(0) if self.pooling == "max" else weights.sum(0)

    def _words(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        found = torch.zeros(len(tokens), self.vocabulary, device=self.table.device, dtype=self.table.dtype)
        found.scatter_reduce_(1, tokens.to(found.device), mask.to(found), "amax")
        return found * self.importance if self.queries == "idf" else found

    def get_embedding_dimension(self) -> int:
        return self.vocabulary
