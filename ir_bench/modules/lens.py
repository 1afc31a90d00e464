"""How much each cluster of terms weighs in a text: LENS's head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import nn

from ir_bench.modules.splade import SpladeHead
from ir_bench.modules.weighted import Weighted


class Lens(Weighted):
    """Token vectors [texts, tokens, dims] to weights of clusters of terms [texts, clusters].

    `modules.splade` with the centres of clusters of the vocabulary in the place of all its input embeddings:
    max_j log(1 + relu(<c_k, A h_j + a> + b_k)), brought to length 1 if `normalise`. `names`: what each cluster is
    called; `same_as` [vocabulary]: the cluster that each token counts as, -1 for none.
    Reads `token_embeddings`, `attention_mask` and `input_ids`; gives `sentence_embedding`.

    Source: Lei et al. 2025, Enhancing Lexicon-Based Text Embeddings with Large Language Models (LENS), section 3.
    Differs: the map A h + a and the offsets b, as transformers without a language model's head need them.
    """

    config_keys: ClassVar[list[str]] = ["dims", "vocabulary", "names", "normalise"]

    def __init__(self, dims: int, vocabulary: int, names: Sequence[str], normalise: bool = True) -> None:
        super().__init__()
        self.dims, self.vocabulary, self.names, self.normalise = dims, vocabulary, list(names), normalise
        self.same_as: torch.Tensor
        self.register_buffer("same_as", torch.full((vocabulary,), -1))
        self.weigh = SpladeHead(dims, len(self.names))

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        features = self.weigh(features)
        if self.normalise:
            features["sentence_embedding"] = nn.functional.normalize(features["sentence_embedding"], dim=-1)
        return features

    def get_embedding_dimension(self) -> int:
        return len(self.names)
