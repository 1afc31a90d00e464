"""Saturated counts of a text's own terms, and learned weights of terms that it does not have."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from torch import nn

from ir_bench import models
from ir_bench.modules.mean_of_units import mean_of_units
from ir_bench.modules.weighted import Weighted

EMBEDDINGS = "embeddings.word_embeddings.weight"


class LexicalExpansion(Weighted):
    """Token vectors [texts, tokens, dims] and their tokens to term weights [texts, vocabulary].

    A document's own terms weigh c / (c + k1 (1 - b + b length / `average_length`)), c their counts, and a query's their
    `importance` [vocabulary] once. Terms that the text need not have are added: log(1 + relu(<h, e_t> + b_t)) times a
    learned factor of the side, h made from the mean of the text's token vectors, each of length 1, and e_t the word
    embeddings of the transformer below, which are not kept with this module (`tied_to` names their model where the
    checkpoint's folder does not hold it). `same_as` [vocabulary] says which term a token counts as, its stem's say, and
    is -1 for tokens that count for nothing; `terms` [expansions] can be added.
    At most `query_keep` and `document_keep` terms are left, the largest weights (0: all); in training all are.
    Reads `token_embeddings`, `attention_mask` and `input_ids`; gives `sentence_embedding`.

    Source: Formal, Piwowarski and Clinchant 2021, "SPLADE", section 3.1, for the log-saturated expansion terms.
    Differs: a text's own terms keep their BM25 weights (Robertson and Zaragoza 2009) instead of learned ones, and
    expansion reads the mean of the token vectors instead of the maximum over them, so that a head trains in minutes.
    """

    forward_kwargs: ClassVar[set[str]] = {"task"}
    config_keys: ClassVar[list[str]] = [
        "dims", "vocabulary", "expansions", "k1", "b", "average_length", "query_keep", "document_keep", "tied_to"
    ]  # fmt: skip

    def __init__(
        self,
        dims: int,
        vocabulary: int,
        expansions: int,
        k1: float = 0.9,
        b: float = 0.4,
        average_length: float = 100.0,
        query_keep: int = 0,
        document_keep: int = 0,
        tied_to: str = "",
    ) -> None:
        super().__init__()
        self.dims, self.vocabulary, self.expansions = dims, vocabulary, expansions
        self.k1, self.b, self.average_length = k1, b, average_length
        self.query_keep, self.document_keep, self.tied_to = query_keep, document_keep, tied_to
        self.same_as: torch.Tensor
        self.importance: torch.Tensor
        self.terms: torch.Tensor
        self.centre: torch.Tensor
        self.embeddings: torch.Tensor
        self.register_buffer("same_as", torch.arange(vocabulary, dtype=torch.int32))
        self.register_buffer("importance", torch.ones(vocabulary))
        self.register_buffer("terms", torch.arange(expansions, dtype=torch.int32))
        self.register_buffer("centre", torch.zeros(dims))
        self.register_buffer("embeddings", torch.zeros(expansions, dims), persistent=False)
        self.linear = nn.Linear(dims, dims)
        self.inner, self.outer = nn.Linear(dims, dims), nn.Linear(dims, dims, bias=False)
        self.bias = nn.Parameter(torch.zeros(expansions))
        self.query_scale = nn.Parameter(torch.zeros(()))  # logarithms of the factors
        self.document_scale = nn.Parameter(torch.zeros(()))

    def forward(
        self, features: dict[str, Any], task: Literal["query", "document"] | None = None, **_: Any
    ) -> dict[str, Any]:
        mask = features["attention_mask"].bool()
        counts = self._counts(features["input_ids"].to(mask.device), mask)
        expansion = self.expanded(mean_of_units(features["token_embeddings"].to(self.centre.dtype), mask))
        if (task or features.get("task")) == "query":  # in training only the features tell
            own, scale, keep = (counts > 0) * self.importance, self.query_scale, self.query_keep
        else:
            length = counts.sum(1, keepdim=True) / self.average_length
            own = counts / (counts + self.k1 * (1 - self.b + self.b * length))
            scale, keep = self.document_scale, self.document_keep
        weights = own.index_add(1, self.terms.long(), scale.exp() * expansion)
        if keep and not self.training and keep < self.vocabulary:
            largest, at = weights.topk(keep, dim=1)
            weights = torch.zeros_like(weights).scatter_(1, at, largest)
        features["sentence_embedding"] = weights
        return features

    def expanded(self, vectors: torch.Tensor) -> torch.Tensor:
        """Weights [texts, expansions] of the terms that can be added, from pooled vectors [texts, dims]."""
        apart = vectors - self.centre
        # a centred unit vector has entries of some 0.05: times 10 they reach where GELU is not linear
        hidden = self.linear(apart) + self.outer(nn.functional.gelu(self.inner(10 * apart)))
        return (hidden @ self.embeddings.T + self.bias).relu().log1p()

    def _counts(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        terms = self.same_as.long()[tokens]
        counted = (mask & (terms >= 0)).to(self.centre.dtype)
        counts = torch.zeros(len(tokens), self.vocabulary, device=tokens.device, dtype=counted.dtype)
        return counts.scatter_add_(1, terms.clamp(min=0), counted)

    def tie(self, word_embeddings: torch.Tensor) -> Self:
        """Take e_t from a model's word embeddings [vocabulary, dims]."""
        self.embeddings = word_embeddings.detach().to(self.centre)[self.terms.long()].clone()
        return self

    def get_embedding_dimension(self) -> int:
        return self.vocabulary

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **options: Any) -> Self:
        module = super().load(model_name_or_path, subfolder=subfolder, **options)
        here = Path(model_name_or_path)
        whole = (here / "model.safetensors").is_file() or not module.tied_to
        return module.tie(word_embeddings(here if whole else models.folder(module.tied_to)))


def word_embeddings(folder: Path) -> torch.Tensor:
    """The input embeddings [vocabulary, dims] of the transformer in a folder."""
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", framework="pt") as weights:
        name = next(key for key in list(weights.keys()) if key.endswith(EMBEDDINGS))
        return weights.get_tensor(name).float()
