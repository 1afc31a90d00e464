"""Rescoring of candidates by a model that reads query and document together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ir_bench import cost, cross_encoding, models
from ir_bench.checkpoints import threads
from ir_bench.corpus_ids import document_ids
from ir_bench.encoding import RowFinder, document_texts
from ir_bench.errors import InputError
from ir_bench.store import Store
from ir_bench.types import Corpus, Queries, Run, Strings

PAIRS_AT_ONCE = 8192  # whose texts are in memory, sorted by length


@dataclass
class CrossEncoderReranker:
    """Candidates scored by a cross-encoder's last layer, before any activation (a sigmoid makes ties of good scores);
    all other documents are left out, and so are candidates and queries without text.

    `model` is a folder, a hub id or `package:NAME` of a CrossEncoder, for example one that `ir-bench train
    recipe=cross_encoder` wrote. `tokens` of query and document together; None: the model's limit. Document texts are
    kept in the store, memory-mapped, and only the candidates' are read.
    Notes `documents_scored`.
    Source: Nogueira and Cho 2019, Passage Re-ranking with BERT, section 3.
    Raises InputError for a model that cannot be loaded, lacks weights or has several labels, for a score that is not
    finite, naming query and document, and for a candidate that is not in the corpus.
    """

    model: str = field(metadata={"changes_results": False})  # provenance() names it, and its weights
    tokens: int | None = None
    batch_size: int = field(default=32, metadata={"changes_results": False})
    device: str = field(default="auto", metadata={"changes_results": False})
    threads: int | None = field(default=None, metadata={"changes_results": False})
    _model: Any = field(default=None, init=False, repr=False, compare=False)
    _texts: Strings | None = field(default=None, init=False, repr=False, compare=False)
    _rows: RowFinder | None = field(default=None, init=False, repr=False, compare=False)

    def provenance(self) -> Mapping[str, object]:
        return models.provenance(self.model)

    def build(self, corpus: Corpus, store: Store) -> None:
        if self._model is None:
            self._model = cross_encoding.load(self.model, self.tokens, self.device)
        self._rows = RowFinder(document_ids(corpus, store))
        self._texts = document_texts(corpus, store)

    def rerank(self, queries: Queries, candidates: Run) -> Run:
        if self._texts is None or self._rows is None:
            raise InputError("rerank before build", "a corpus", "call build(corpus, store) first")
        scored: dict[str, dict[str, float]] = {query: {} for query in queries}
        with cost.timed("rerank_s"), threads(self.threads):
            for asked, pairs in self._blocks(queries, candidates):
                values = cross_encoding.pair_scores(self._model, pairs, self.batch_size, True, "reranking")
                for (query, name), value in zip(asked, values.tolist(), strict=True):
                    if not np.isfinite(value):
                        raise InputError(
                            f"the score of document {name!r} for query {query!r} is {value}",
                            "a finite number from the model",
                            f"check the weights of {self.model}",
                        )
                    scored[query][name] = value
        cost.note("documents_scored", sum(map(len, scored.values())))
        return Run.of(scored)

    def _blocks(
        self, queries: Queries, candidates: Run
    ) -> Iterator[tuple[list[tuple[str, str]], list[tuple[str, str]]]]:
        """Ids and texts of queries with their candidates, of some queries at once."""
        assert self._texts is not None
        assert self._rows is not None
        asked: list[tuple[str, str]] = []
        pairs: list[tuple[str, str]] = []
        for query, wording in queries.items():
            names = candidates[query].documents if query in candidates.rankings and wording.strip() else ()
            for name, row in zip(names, self._rows(names).tolist(), strict=True):
                if (text := self._texts[row]).strip():
                    asked.append((query, name))
                    pairs.append((wording, text))
            if len(pairs) >= PAIRS_AT_ONCE:
                yield asked, pairs
                asked, pairs = [], []
        if pairs:
            yield asked, pairs
