"""How well each term of the vocabulary matches a text's token vectors: SPARTA's head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import nn
from torch.autograd.function import once_differentiable

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
        used = features["attention_mask"].bool()
        matches = torch.stack([self._largest(own[mask]) for own, mask in zip(vectors, used, strict=True)])
        weights = (matches + self.bias).relu().log1p()
        if self.without:
            weights = weights.index_fill(1, torch.tensor(self.without, device=weights.device), 0)
        features["sentence_embedding"] = weights
        return features

    def _largest(self, vectors: torch.Tensor) -> torch.Tensor:
        if not len(vectors):
            return self.table.new_full((self.vocabulary,), torch.finfo(self.table.dtype).min)
        if torch.is_grad_enabled():
            return _Largest.apply(self.table, vectors)
        return (self.table @ vectors.T).amax(1)

    def get_embedding_dimension(self) -> int:
        return self.vocabulary


class _Largest(torch.autograd.Function):
    """The largest inner product of each row of a table [rows, dims] with some vectors [vectors, dims], as [rows].

    Its gradient is that of the product which is the largest, of several the first one's: neither all products are kept
    for it, nor multiplied by their gradients, of which all others are zero.
    """

    @staticmethod
    def forward(ctx: Any, table: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        largest, which = (table @ vectors.T).max(1)
        ctx.save_for_backward(table, vectors, which)
        return largest

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        table, vectors, which = ctx.saved_tensors
        rows = gradient.nonzero().squeeze(1)
        some, which = gradient[rows, None].to(table.dtype), which[rows]
        of_table = of_vectors = None
        if ctx.needs_input_grad[0]:
            of_table = torch.zeros_like(table).index_copy_(0, rows, some * vectors[which])
        if ctx.needs_input_grad[1]:
            of_vectors = torch.zeros_like(vectors).index_add_(0, which, some * table[rows])
        return of_table, of_vectors
