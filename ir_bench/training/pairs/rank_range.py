"""Labels from the ranks of a search system."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ir_bench.errors import InputError
from ir_bench.evaluation.trec import read_run
from ir_bench.protocols import PairSource, Retriever
from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText
from ir_bench.training.known import pick
from ir_bench.training.ranked import ranked_rows, search
from ir_bench.types import Run


@dataclass
class RankRange:
    """Ranks `first_positive` to `last_positive` of a system answer a query, ranks `first_negative` to `last_negative`
    do not, whatever the judgments say.

    The system is a retriever, or a run file by query id; the queries are the train queries, or those of another source
    of pairs (crops, generated queries), whose own documents may then be positives but not negatives. For each query
    `per_query` positives are drawn, each with `negatives` negatives (with `negatives=paired`), -1 where the ranking is
    short; a rank counts from 1 and no rank-range positive is a negative of its query. Queries for which the system
    finds too little are left out.
    Raises InputError unless exactly one of `retriever` and `run` is given, for ranges that do not follow one another,
    for a run file that lacks a query, and where no pair is left.
    Source: Lin et al. 2023, "How to Train Your DRAGON", section 4 (ranks 1-10 and 45-50); Chen et al. 2022, "Salient
    Phrase Aware Dense Retrieval" (SPAR), section 3.1.
    """

    retriever: Retriever | None = None
    run: str | None = None
    queries: PairSource | None = None
    first_positive: int = 1
    last_positive: int = 10
    first_negative: int = 45
    last_negative: int = 50
    per_query: int = 1
    negatives: int = 1

    def pairs(self, text: TrainingText, store: Store, seed: int) -> Pairs:
        if not 1 <= self.first_positive <= self.last_positive < self.first_negative <= self.last_negative:
            raise InputError(
                f"positives are ranks {self.first_positive} to {self.last_positive}, negatives ranks "
                f"{self.first_negative} to {self.last_negative}",
                "two ranges, positives before negatives, from rank 1",
                "correct the ranges",
            )
        query_ids, queries, known = text.query_ids, text.queries, text.known
        if self.queries is not None:
            base = self.queries.pairs(text, store, seed)
            query_ids, queries, known = base.query_ids, base.queries, base.known
            known = replace(known, documents=known.documents[: known.corpus_size])
        ranks = ranked_rows(self._run(text, dict(zip(query_ids, queries, strict=True)), store), query_ids, text)
        positives = ranks[:, self.first_positive - 1 : self.last_positive]
        owners, places = np.nonzero(positives >= 0)
        known = known.adding(owners, positives[owners, places])
        generator = np.random.default_rng(seed)
        order = np.argsort(np.where(positives >= 0, generator.random(positives.shape), 2.0), axis=1, kind="stable")
        drawn = np.take_along_axis(positives, order[:, : self.per_query], 1)
        owners, places = np.nonzero(drawn >= 0)
        if not len(owners):
            raise InputError(
                f"{text.corpus.name}: the system finds nothing at ranks {self.first_positive} to {self.last_positive} "
                f"for any of {len(queries)} queries",
                "at least one document",
                "lower the ranks, or look at the queries",
            )
        candidates = ranks[owners, self.first_negative - 1 : self.last_negative]
        return Pairs(
            query_ids,
            queries,
            text.document_ids,
            text.documents,
            owners.astype(np.int64),
            drawn[owners, places],
            known,
            negatives=pick(known, owners, candidates, self.negatives, generator, "random", fill=False),
        )

    def _run(self, text: TrainingText, queries: dict[str, str], store: Store) -> Run:
        if (self.retriever is None) == (self.run is None):
            raise InputError(
                f"rank_range has {'no system' if self.run is None else 'both a retriever and a run file'}",
                "a retriever or a run file",
                "set retriever=… or run=FILE, and the other to null",
            )
        if self.retriever is not None:
            return search(self.retriever, text, queries, self.last_negative, store)
        return read_run(Path(str(self.run)))
