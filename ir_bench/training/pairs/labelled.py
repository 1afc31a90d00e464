"""Judged pairs of the train split."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ir_bench.errors import InputError
from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText


@dataclass
class Labelled:
    """Each train query with each document that is judged relevant to it; documents without text are left out.

    `minimum_grade` is the benchmark's own threshold where it is None; `per_query` draws at most so many at random, so
    that a few queries with hundreds of judgments do not fill the batches; `share` draws that part of the queries, at
    least one. `weigh_grades` weighs a pair by its grade, relative to the mean. Lower grades are no positives here, and
    no negatives anywhere.
    Raises InputError for a query that is left without a positive, unless `allow_unlabelled` leaves such queries out.
    Source: Karpukhin et al. 2020, Dense Passage Retrieval for Open-Domain Question Answering, section 3.2.
    """

    minimum_grade: int | None = None
    per_query: int | None = None
    weigh_grades: bool = False
    allow_unlabelled: bool = False
    share: float = field(default=1.0, metadata={"added": 1.0})

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InputError(f"share={self.share:g} of the train queries", "above 0 and at most 1")

    def pairs(self, text: TrainingText, store: Store, seed: int) -> Pairs:
        lowest = text.relevance_threshold if self.minimum_grade is None else self.minimum_grade
        owners = np.repeat(np.arange(len(text.queries)), np.diff(text.offsets)).astype(np.int64)
        filled = np.array([bool(text.documents[row].strip()) for row in text.judged.tolist()], bool)
        at = np.flatnonzero((text.grades >= lowest) & filled)
        lacking = np.setdiff1d(np.arange(len(text.queries)), owners[at])
        if len(lacking) and not self.allow_unlabelled:
            raise InputError(
                f"{text.corpus.name}: train query {text.query_ids[lacking[0]]!r} has no positive of grade {lowest} or "
                f"more, and {len(lacking) - 1} others neither",
                "a judged document of that grade, with text, in the corpus",
                "lower minimum_grade, or set allow_unlabelled=true to leave such queries out",
            )
        if not len(at):
            raise InputError(
                f"{text.corpus.name} has no judged pair of grade {lowest} or more",
                "a train split with judgments",
                "take pairs that are made of documents, for example pairs=random_crops",
            )
        if self.share < 1:
            asked = np.unique(owners[at])
            drawn = np.random.default_rng([seed, 1]).permutation(asked)[: max(1, round(self.share * len(asked)))]
            at = at[np.isin(owners[at], drawn)]
        if self.per_query is not None:
            shuffled = at[np.random.default_rng(seed).permutation(len(at))]
            shuffled = shuffled[np.argsort(owners[shuffled], kind="stable")]
            starts = np.searchsorted(owners[shuffled], owners[shuffled])
            at = np.sort(shuffled[np.arange(len(shuffled)) - starts < self.per_query])
        weights = (text.grades[at] / text.grades[at].mean()).astype(np.float32) if self.weigh_grades else None
        return Pairs(
            text.query_ids,
            text.queries,
            text.document_ids,
            text.documents,
            owners[at],
            text.judged[at],
            text.known,
            weights,
        )
