"""Queries with a term that their answers have and they have not: is search moved towards the term?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import scipy.sparse

from ir_bench.errors import InputError
from ir_bench.protocols import Analyzer, DatasetSource
from ir_bench.types import Dataset, Qrels, Queries, Rules

SEPARATOR = "\t"  # between the text of a query and its term


@dataclass
class TermPairs:
    """The queries of `source`, each followed by a tab and a term; relevant are all documents that have the term.

    The term is the one that most marks the relevant documents and is not in the query: of those in at least `least`
    documents and at most a share `most` of all, the one with the highest (relevant documents with it) · ln(documents /
    documents with it), the first in alphabetical order where several have. With `related` false a query gets the term
    of another one instead, the next in an order drawn by `seed` whose term neither it nor its relevant documents have.
    Queries without a term are left out. Raises InputError where none is left.
    """

    name: str
    source: DatasetSource
    analyzer: Analyzer
    related: bool = True
    least: int = 20
    most: float = 0.1
    seed: int = 0
    split: str = "test"
    titles: Literal["join", "ignore"] = "join"
    rules: Rules = field(default_factory=Rules)

    def load(self) -> Dataset:
        data = self.source.load()

        @cache
        def both() -> tuple[Queries, Qrels]:
            return self._pairs(data)

        return Dataset(self.name, lambda: data.corpus, lambda: both()[0], lambda: both()[1], self.rules, self.split)

    def locate(self) -> Path | None:
        """Where the collection is, when it is here."""
        return getattr(self.source, "locate", lambda: None)()

    def describe_source(self) -> str:
        return f"made from {getattr(self.source, 'describe_source', lambda: 'another dataset')()}"

    def _pairs(self, data: Dataset) -> tuple[Queries, Qrels]:
        ids = [document.id for document in data.corpus]
        counts = self.analyzer.count([data.corpus.contents(document) for document in data.corpus])
        has = scipy.sparse.csr_array(
            (np.ones(len(counts.terms), np.float64), counts.terms, counts.offsets), (len(ids), len(counts.vocabulary))
        )
        frequencies = np.bincount(counts.terms, minlength=len(counts.vocabulary))
        allowed = (frequencies >= self.least) & (frequencies <= self.most * len(ids))
        weights = np.where(allowed, np.log(len(ids) / np.maximum(frequencies, 1)), 0)
        numbers = {term: number for number, term in enumerate(counts.vocabulary)}
        rows = {name: row for row, name in enumerate(ids)}
        own, found, chosen = {}, {}, {}
        for query, text in data.queries.items():
            judged = data.qrels.get(query, {})
            relevant = [rows[d] for d, g in judged.items() if g >= data.rules.relevance_threshold and d in rows]
            own[query] = [numbers[term] for term in set(self.analyzer.analyze(text)) if term in numbers]
            found[query] = np.asarray(has[relevant].sum(axis=0)).ravel() if relevant else np.zeros(len(numbers))
            scores = found[query] * weights
            scores[own[query]] = 0
            best = np.flatnonzero((scores == scores.max(initial=0)) & (scores > 0)).tolist()
            if best:
                chosen[query] = min(best, key=counts.vocabulary.__getitem__)
        if not self.related:
            chosen = self._of_others(chosen, own, found)
        if not chosen:
            raise InputError(
                f"{self.name} finds a term for no query", "judged documents with terms", "look at least, most"
            )
        columns = has.tocsc()
        texts = {q: f"{data.queries[q]}{SEPARATOR}{counts.vocabulary[term]}" for q, term in chosen.items()}
        holders = {term: [ids[row] for row in columns[:, [term]].indices] for term in set(chosen.values())}
        return texts, {query: dict.fromkeys(holders[term], 1) for query, term in chosen.items()}

    def _of_others(
        self, chosen: Mapping[str, int], own: Mapping[str, list[int]], found: Mapping[str, np.ndarray]
    ) -> dict[str, int]:
        queries = list(chosen)
        order = [queries[i] for i in np.random.default_rng(self.seed).permutation(len(queries))]
        others = {}
        for i, query in enumerate(order):
            turned = (chosen[other] for other in order[i + 1 :] + order[:i])
            term = next((t for t in turned if not found[query][t] and t not in own[query]), None)
            if term is not None:
                others[query] = term
        return {query: others[query] for query in queries if query in others}
