"""How much each term of the vocabulary weighs in a text: SPLADE's head over any transformer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from ir_bench.modules.weighted import Weighted


class SpladeHead(Weighted):
    """Token vectors [texts, tokens, dims] to weights of all terms [texts, vocabulary].

    log(1 + relu(<e_t, A h_j + a> + b_t)), the maximum or the sum over a text's tokens j; e_t are the transformer's
    input embeddings, which do not learn. Terms in `without` (special tokens) weigh nothing; masked tokens are not read.
    `saturation`: "none" leaves relu(…) as it is, without the logarithm.
    `queries`: "neural" as documents; "words" 1 for each token of the query, "idf" its `importance` [vocabulary].
    Reads `token_embeddings`, `attention_mask` and `input_ids`; gives `sentence_embedding`.

    Source: Formal, Piwowarski and Clinchant 2021, "SPLADE", section 3.1 (sum), and Formal et al. 2021, "SPLADE v2",
    sections 3.1 (maximum) and 3.3 (queries without expansion); Geng et al. 2024, "Towards Competitive Search Relevance
    For Inference-Free Learned Sparse Retrievers" (idf).
    Differs: one linear map instead of a masked language model's head, for transformers that come without one; query
    terms count once however often they occur.
    """

    forward_kwargs: ClassVar[set[str]] = {"task"}
    config_keys: ClassVar[list[str]] = ["dims", "vocabulary", "pooling", "queries", "without", "saturation"]

    def __init__(
        self,
        dims: int,
        vocabulary: int,
        pooling: Literal["max", "sum"] = "max",
        queries: Literal["neural", "words", "idf"] = "neural",
        without: Sequence[int] = (),
        saturation: Literal["log", "none"] = "log",
    ) -> None:
        super().__init__()
        self.dims, self.vocabulary, self.pooling, self.queries = dims, vocabulary, pooling, queries
        self.without, self.saturation = list(without), saturation
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
            if self.without:
                weights = weights.index_fill(1, torch.tensor(self.without, device=weights.device), 0)
        else:
            vectors = features["token_embeddings"].to(self.table.dtype)
            terms = torch.tensor(np.setdiff1d(np.arange(self.vocabulary), self.without), device=vectors.device)
            coarse, slack = self._coarse(terms)
            weights = torch.stack(
                [self._text(own[used], terms, coarse, slack) for own, used in zip(vectors, mask, strict=True)]
            )
        features["sentence_embedding"] = weights
        return features

    def _text(
        self, vectors: torch.Tensor, terms: torch.Tensor, coarse: torch.Tensor, slack: torch.Tensor
    ) -> torch.Tensor:
        if not len(vectors):
            return self.bias * 0
        hidden = self.linear(vectors)
        terms = terms[self._possible(hidden, terms, coarse, slack)]
        # what lies between token vectors and weights is computed again for the gradient instead of being kept
        found = checkpoint(self._weights, hidden, terms, use_reentrant=False)
        return found.new_zeros(self.vocabulary).index_copy(0, terms, found)

    def _weights(self, hidden: torch.Tensor, terms: torch.Tensor) -> torch.Tensor:
        weights = (hidden @ self.table[terms].T + self.bias[terms]).relu()
        weights = weights.log1p() if self.saturation == "log" else weights
        return weights.amax(0) if self.pooling == "max" else weights.sum(0)

    @torch.no_grad()
    def _possible(
        self, hidden: torch.Tensor, terms: torch.Tensor, coarse: torch.Tensor, slack: torch.Tensor
    ) -> torch.Tensor:
        """Which of the terms may weigh something: all but some hundreds do not, nor do they have a gradient."""
        matches = (coarse @ hidden.to(coarse.dtype).T).amax(1).to(slack.dtype)
        # not a number is possible
        return (~(matches + self.bias[terms] <= -slack * hidden.norm(dim=1).max())).nonzero().squeeze(1)

    @torch.no_grad()
    def _coarse(self, terms: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows of the table in a format that this processor multiplies fast, and how far their products with a vector
        of length 1 can be off."""
        rows = self.table[terms]
        fast = rows.is_cuda or torch.ops.mkldnn._is_mkldnn_bf16_supported()
        coarse = rows.bfloat16() if fast and rows.dtype == torch.float32 else rows
        # both factors and the product are rounded, each by a share of at most eps / 2
        return coarse, 2 * torch.finfo(coarse.dtype).eps * rows.norm(dim=1)

    def _words(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        found = torch.zeros(len(tokens), self.vocabulary, device=self.table.device, dtype=self.table.dtype)
        found.scatter_reduce_(1, tokens.to(found.device), mask.to(found), "amax")
        return found * self.importance if self.queries == "idf" else found

    def get_embedding_dimension(self) -> int:
        return self.vocabulary
