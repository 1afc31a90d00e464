"""Queries taken from the documents themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ir_bench.errors import InputError
from ir_bench.protocols import Analyzer
from ir_bench.training.sentences import sentences


@dataclass
class Extractive:
    """A document's title and its sentences of the rarest terms: extracts, not questions, and written by no model.

    Sentences are ordered by the mean inverse document frequency of their different terms, log(1 + documents / n), cut
    to their first `maximum_words` words; those of fewer than `minimum_words` different terms are left out. The title
    comes first where there is one and `titles` is true. The seed is not used.
    Raises InputError where `generate` is called before `fit`.
    Source: sentences as queries, as in Lin et al. 2023, "How to Train Your DRAGON" (cropped sentences); the choice by
    inverse document frequency is ours.
    """

    analyzer: Analyzer
    titles: bool = True
    minimum_words: int = 4
    maximum_words: int = 24
    _rarity: dict[str, float] = field(default_factory=dict, init=False, repr=False, compare=False)

    def fit(self, documents: Sequence[str]) -> None:
        """Learn the document frequencies."""
        counts = self.analyzer.count(documents)
        frequencies = np.bincount(counts.terms, minlength=len(counts.vocabulary))
        self._rarity = {
            term: math.log1p(len(documents) / max(1, n))
            for term, n in zip(counts.vocabulary, frequencies.tolist(), strict=True)
        }

    def generate(self, titles: Sequence[str], bodies: Sequence[str], count: int, seed: int) -> list[list[str]]:
        if not self._rarity:
            raise InputError("generate before fit", "document frequencies", "call fit(documents) first")
        return [self._extracts(t, b)[:count] for t, b in zip(titles, bodies, strict=True)]

    def _extracts(self, title: str, body: str) -> list[str]:
        scored = []
        for sentence in sentences(body):
            extract = " ".join(sentence.split()[: self.maximum_words])
            terms = dict.fromkeys(self.analyzer.analyze(extract))
            if len(terms) >= max(1, self.minimum_words):
                scored.append((math.fsum(self._rarity.get(term, 0.0) for term in terms) / len(terms), extract))
        best = [extract for _, extract in sorted(scored, key=lambda pair: -pair[0])]
        return list(dict.fromkeys([title.strip(), *best] if self.titles and title.strip() else best))
