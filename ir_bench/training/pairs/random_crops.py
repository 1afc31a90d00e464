"""Two random crops of a document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText


@dataclass
class RandomCrops:
    """Two independent stretches of a document, which may overlap, each of `shortest` to `longest` of its words.

    Each word of a stretch is then deleted with probability `deletion`. `per_document` pairs are made of each document
    of at least `minimum_words` words. The same seed gives the same pairs; another one, say per epoch, gives others.
    Differs: crops are cut from the words of whole documents; the original cuts tokens from chunks of 256.
    Raises InputError where no document is long enough.
    Source: Izacard et al. 2022, "Unsupervised Dense Information Retrieval with Contrastive Learning" (Contriever).
    """

    per_document: int = 1
    shortest: float = 0.05
    longest: float = 0.5
    deletion: float = 0.1
    minimum_words: int = 10

    def pairs(self, text: TrainingText, store: Store, seed: int) -> Pairs:
        generator = np.random.default_rng(seed)

        def made() -> Iterator[tuple[int, str, str]]:
            for row, document in enumerate(text.documents):
                words = document.split()
                if len(words) >= max(1, self.minimum_words):
                    for _ in range(self.per_document):
                        yield row, self._crop(words, generator), self._crop(words, generator)

        return Pairs.made(text, made())

    def _crop(self, words: list[str], generator: np.random.Generator) -> str:
        length = max(1, int(len(words) * generator.uniform(self.shortest, self.longest)))
        start = int(generator.integers(len(words) - length + 1))
        crop = words[start : start + length]
        kept = generator.random(length) >= self.deletion
        return " ".join(word for word, keep in zip(crop, kept.tolist(), strict=True) if keep) or crop[0]
