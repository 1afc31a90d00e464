"""One number for each token of a text as the weight of its term: uniCOIL's and DeepImpact's head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from ir_bench.modules.weighted import Weighted

Pooling = Literal["max", "sum", "first"]
POOLINGS = ("max", "sum", "first")


class TermImpacts(Weighted):
    """Token vectors [texts, tokens, dims] to weights of the text's own terms [texts, vocabulary], zero elsewhere.

    A token weighs relu(w · h + b), or with `hidden` units relu(w · relu(W h + c) + b). The weight of a term that occurs
    several times is the largest ("max"), the "sum", or that of its "first" occurrence; `query_pooling` is the rule for
    queries. Terms in `without` (special tokens) weigh nothing, and neither do masked tokens.
    Reads `token_embeddings`, `attention_mask` and `input_ids`; gives `sentence_embedding`.

    Source: Lin and Ma 2021, A Few Brief Notes on DeepImpact, COIL, and a Conceptual Framework for Information Retrieval
    Techniques (uniCOIL: max for documents, sum for queries, no hidden units); Mallia et al. 2021, Learning Passage
    Impacts for Inverted Indexes (DeepImpact: first occurrence, as many hidden units as dims).
    Differs: DeepImpact weighs whole words by their first piece, this weighs pieces; its dropout is left out.
    """

    config_keys: ClassVar[list[str]] = ["dims", "vocabulary", "pooling", "query_pooling", "hidden", "without"]
    forward_kwargs: ClassVar[set[str]] = {"task"}

    def __init__(
        self,
        dims: int,
        vocabulary: int,
        pooling: Pooling = "max",
        query_pooling: Pooling = "sum",
        hidden: int | None = None,
        without: Sequence[int] = (),
    ) -> None:
        super().__init__()
        if pooling not in POOLINGS or query_pooling not in POOLINGS:
            raise ValueError(f"pooling {pooling!r} and {query_pooling!r}, expected each to be one of {POOLINGS}")
        self.dims, self.vocabulary, self.hidden, self.without = dims, vocabulary, hidden, list(without)
        self.pooling, self.query_pooling = pooling, query_pooling
        layers = [] if hidden is None else [nn.Linear(dims, hidden), nn.ReLU()]
        self.weigh = nn.Sequential(*layers, nn.Linear(dims if hidden is None else hidden, 1))

    def forward(self, features: dict[str, Any], task: str | None = None) -> dict[str, Any]:
        terms = features["input_ids"]  # [texts, tokens]
        counts = features["attention_mask"].bool()
        if self.without:
            counts = counts & ~torch.isin(terms, terms.new_tensor(self.without))
        pooling = self.query_pooling if (task or features.get("task")) == "query" else self.pooling
        vectors = features["token_embeddings"].to(self.weigh[-1].weight.dtype)  # a transformer may run in another
        weights = self.weigh(vectors).squeeze(-1).relu()
        if pooling == "first":
            counts = counts & _first(terms, counts)
        weights = torch.where(counts, weights, 0)
        impacts = weights.new_zeros(len(terms), self.vocabulary)
        # zeros of what does not count change neither a sum nor a maximum of weights that are at least zero
        features["sentence_embedding"] = (
            impacts.scatter_add(1, terms, weights)
            if pooling == "sum"
            else impacts.scatter_reduce(1, terms, weights, "amax")
        )
        return features

    def get_embedding_dimension(self) -> int:
        return self.vocabulary


def _first(terms: Tensor, counts: Tensor) -> Tensor:
    """Whether no earlier token that counts is of the same term [texts, tokens]."""
    same = (terms[:, :, None] == terms[:, None, :]) & counts[:, None, :]
    return ~same.tril(-1).any(-1)
