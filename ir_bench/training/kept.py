"""What a model is to keep while it learns: how near texts of random words are to each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ir_bench.errors import InputError
from ir_bench.training.frozen import GIVEN
from ir_bench.training.masked import divergence

TEXTS, WORDS = 4096, (1, 6)  # how many texts, and the fewest and most words of one
AT_ONCE = 128  # texts of each side that are compared in a step


class Keeping(nn.Module):
    """A loss plus `weight` times how far the similarities of random texts have moved since training began.

    The divergence of each text's distribution over 128 others from what it was, queries by documents and the other way,
    at half the standard deviation of the first similarities. Random words come from everywhere in the vocabulary, so
    that what the model knows of other collections is kept though none of their texts is at hand.
    `frozen` modules were run once. Raises InputError for a model of token vectors, which has no similarity of vectors.
    Source: Li and Hoiem 2016, "Learning without forgetting", section 3. Differs: similarities instead of class scores,
    and random texts instead of those of the new task.
    """

    def __init__(self, loss: Any, weight: float, frozen: Sequence[Any], seed: int) -> None:
        super().__init__()
        self.loss, self.weight, self.seed = loss, weight, seed
        self.model = loss.model
        texts = random_texts(self.model.tokenizer, TEXTS, seed)
        with torch.no_grad():
            self._features = self._prepared(texts, frozen)
            first = self._vectors(np.arange(len(texts)))
            if first[0] is None:
                raise InputError(
                    "keep is set for a model of token vectors", "a model of one vector a text", "leave keep out"
                )
            self._first = first
            similarity = self.model.similarity(first[0][:AT_ONCE], first[1][-AT_ONCE:])
            self._temperature = float(similarity.std()) / 2

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: Tensor | None) -> dict[str, Tensor]:
        value = self.loss(sentence_features, labels)
        parts = value if isinstance(value, dict) else {"loss": value}
        return {**parts, "kept": self.weight * self.moved()}

    def moved(self) -> Tensor:
        """The divergence for the texts of this step."""
        bare = getattr(self.loss, "loss", self.loss)  # a gradient cache holds the loss that counts steps
        drawn = np.random.default_rng([self.seed, bare.number]).permutation(TEXTS)[: 2 * AT_ONCE]
        one, other = np.sort(drawn[:AT_ONCE]), np.sort(drawn[AT_ONCE:])
        now = self.model.similarity(self._vectors(one)[0], self._vectors(other)[1])
        before = self.model.similarity(self._first[0][one].to(now.device), self._first[1][other].to(now.device))
        everything = torch.ones_like(before, dtype=torch.bool)
        there = divergence(before, now, everything, self._temperature, self._temperature)
        back = divergence(before.T, now.T, everything.T, self._temperature, self._temperature)
        return (there.mean() + back.mean()) / 2

    def get_config_dict(self) -> dict[str, Any]:
        return {**self.loss.get_config_dict(), "keep": self.weight}

    def _prepared(self, texts: Sequence[str], frozen: Sequence[Any]) -> dict[str, Any]:
        features = self.model.preprocess(list(texts))
        for module in frozen:
            features = module({k: v.to(self.model.device) if isinstance(v, Tensor) else v for k, v in features.items()})
        if frozen:
            features[GIVEN] = torch.ones(len(texts), dtype=torch.bool)
        return {name: value for name, value in features.items() if isinstance(value, Tensor)}

    def _vectors(self, rows: Any) -> tuple[Any, Any]:
        """Query and document vectors [texts, dims] of some texts."""
        made = []
        for task in ("query", "document"):
            features = {name: value[rows].to(self.model.device) for name, value in self._features.items()}
            made.append(self.model(features, task=task).get("sentence_embedding"))
        return made[0], made[1]


def random_texts(tokenizer: Any, count: int, seed: int) -> list[str]:
    """Texts of random whole words of the vocabulary, three letters and more."""
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    words = np.array([token for token in tokens if token and token.isascii() and token.isalpha() and len(token) > 2])
    if not len(words):
        raise InputError(
            "the tokenizer's vocabulary has no whole words", "a WordPiece vocabulary", "leave keep out of the stage"
        )
    drawn = np.random.default_rng(seed)
    lengths = drawn.integers(WORDS[0], WORDS[1] + 1, count)
    return [" ".join(drawn.choice(words, length)) for length in lengths.tolist()]
