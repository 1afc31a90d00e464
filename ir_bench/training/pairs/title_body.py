"""Titles as queries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText


@dataclass
class TitleBody:
    """Each document's title with its body, for documents that have both; the body stands without the title, which
    would give the answer away.

    `minimum_words` leaves out shorter bodies. Raises InputError where no document is left.
    Source: titles as pseudo-queries, as in the title and abstract pairs of Wang et al. 2022, "Text Embeddings by
    Weakly-Supervised Contrastive Pre-training" (E5), section 3.
    """

    minimum_words: int = 5

    def pairs(self, text: TrainingText, store: Store, seed: int) -> Pairs:
        def made() -> Iterator[tuple[int, str, str]]:
            for row, (title, body) in enumerate(zip(text.titles, text.bodies, strict=True)):
                if title.strip() and len(body.split()) >= max(1, self.minimum_words):
                    yield row, title.strip(), body

        return Pairs.made(text, made())
