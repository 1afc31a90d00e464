"""A sentence and what stands around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText
from ir_bench.training.sentences import sentences


@dataclass
class InverseCloze:
    """A random sentence of a document's body with the body without it; with probability `keep` it stays in.

    Sentences of fewer than `minimum_words` words are no queries, and bodies of one sentence are left out.
    `per_document` different sentences are drawn, as far as there are.
    Raises InputError where no document has two sentences.
    Source: Lee, Chang and Toutanova 2019, "Latent Retrieval for Weakly Supervised Open Domain Question Answering",
    section 5 (the sentence is left in 10 % of the time, so that matching words is learned too).
    """

    per_document: int = 1
    keep: float = 0.1
    minimum_words: int = 4

    def pairs(self, text: TrainingText, store: Store, seed: int) -> Pairs:
        generator = np.random.default_rng(seed)

        def made() -> Iterator[tuple[int, str, str]]:
            for row, body in enumerate(text.bodies):
                parts = sentences(body)
                able = [i for i, part in enumerate(parts) if len(part.split()) >= self.minimum_words]
                if len(parts) < 2 or not able:
                    continue
                for at in generator.permutation(able)[: self.per_document].tolist():
                    left = parts if generator.random() < self.keep else parts[:at] + parts[at + 1 :]
                    yield row, parts[at], " ".join(left)

        return Pairs.made(text, made())
