"""How well each term of the vocabulary matches a text's token vectors: SPARTA's head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import nn

from ir_bench.modules.weighted import Weighted


class Sparta(Weighted):
    """Token vectors [texts, tokens, dims] to weights of all terms [texts, vocabulary].

    Term t weighs log(1 + relu(max_j <e_t, h_j> + b)), e_t its vector in a table [vocabulary, dims] that does not see
    the text, the transformer's input embeddings to begin with. Terms in `without` (special tokens) weigh nothing;
    masked tokens are never compared. `frozen`: the table does not learn.
    Reads `token_embeddings` and `attention_mask`; gives `sentence_embedding`.

    Source: Zhao, Lu and Lee 2021, SPARTA: Efficient Open-Domain Question Answering via Sparse Transformer Matching
    Retrieval, section 3; its limit of terms kept is the encoder's `document_keep`.
    """

    config_keys: ClassVar[list[str]] = ["dims", "vocabulary", "without", "frozen"]

    def __init__(self, dims: int, vocabulary: int, without: Sequence[int] = (), frozen: bool = False) -> None:
        super().__init__()
        self.dims, self.vocabulary, self.without, self.frozen = dims, vocabulary, list(without), frozen
        self.table = nn.Parameter(torch.zeros(vocabulary, dims), requires_grad=not frozen)
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        vectors = features["token_embeddings"].to(self.table.dtype)  # a transformer may run in another
        masked = ~features["attention_mask"].bool()
        matches = vectors @ self.table.T  # [texts, tokens, vocabulary]
        matches = matches.masked_fill(masked[:, :, None], torch.finfo(matches.dtype).min).amax(1)
        weights = (matches + self.bias).relu().log1p()
        if self.without:
            weights = weights.index_fill(1, torch.tensor(self.without, device=weights.device), 0)
        features["sentence_embedding"] = weights
        return features

    def get_embedding_dimension(self) -> int:
        return self.vocabulary
