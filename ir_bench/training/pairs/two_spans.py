"""Two stretches of a document that do not overlap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText
from ir_bench.training.sentences import sentences


@dataclass
class TwoSpans:
    """Two different stretches of whole sentences of a document, each of at most `words` words (at least a sentence).

    A document is cut into consecutive stretches, of which two are drawn in random order; documents of a single
    stretch are cut at their middle sentence, and those of a single sentence are left out.
    Differs: the original draws spans of tokens; whole sentences keep short abstracts from overlapping almost entirely.
    Raises InputError where no document has two sentences.
    Source: Gao and Callan 2022, "Unsupervised Corpus Aware Language Model Pre-training for Dense Passage Retrieval"
    (coCondenser), section 3.2.
    """

    words: int = 96

    def pairs(self, text: TrainingText, store: Store, seed: int) -> Pairs:
        generator = np.random.default_rng(seed)

        def made() -> Iterator[tuple[int, str, str]]:
            for row, document in enumerate(text.documents):
                spans = self._spans(sentences(document))
                if len(spans) >= 2:
                    first, second = generator.choice(len(spans), 2, replace=False).tolist()
                    yield row, spans[first], spans[second]

        return Pairs.made(text, made())

    def _spans(self, parts: list[str]) -> list[str]:
        spans: list[list[str]] = []
        size = 0
        for part in parts:
            length = len(part.split())
            if not spans or size + length > self.words:
                spans.append([])
                size = 0
            spans[-1].append(part)
            size += length
        if len(spans) == 1 and len(parts) >= 2:
            middle = len(parts) // 2
            spans = [parts[:middle], parts[middle:]]
        return [" ".join(span) for span in spans]
