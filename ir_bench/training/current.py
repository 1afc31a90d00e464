"""The model as it is at a step of its training, as a search system."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from ir_bench.errors import InputError
from ir_bench.store import Store
from ir_bench.training.examples import TrainingText
from ir_bench.training.frozen import States
from ir_bench.training.validation import embedded, stacked
from ir_bench.types import Corpus, Queries, Run

AT_ONCE = 2048  # documents


@dataclass
class Current:
    """Exact search of all documents by a model that is in training, over what its frozen modules made of the texts.

    `queries` are the texts that `cached` has states of, in its order. Documents are embedded block by block for each
    search; nothing is kept. Raises InputError for a query that has no states.
    """

    model: Any = field(repr=False)
    text: TrainingText = field(repr=False)
    queries: list[str] = field(repr=False)
    cached: tuple[States, States] = field(repr=False)

    def build(self, corpus: Corpus, store: Store) -> None:
        """Nothing to prepare."""

    @torch.inference_mode()
    def search(self, queries: Queries, k: int) -> Run:
        row_of = {text: row for row, text in enumerate(self.queries)}
        if lacking := [text for text in queries.values() if text not in row_of]:
            raise InputError(f"the query {lacking[0]!r} has no states", "one of the training queries")
        training = self.model.training
        self.model.eval()
        try:
            rows = [row_of[text] for text in queries.values()]
            asked = stacked(embedded(self.model, "query", list(queries.values()), rows, self.cached[0]))
            best: Any = None
            for start in range(0, len(self.text.documents), AT_ONCE):
                some = range(start, min(start + AT_ONCE, len(self.text.documents)))
                texts = [self.text.documents[row] for row in some]
                vectors = stacked(embedded(self.model, "document", texts, some, self.cached[1]))
                scores = self.model.similarity(asked, vectors).float().cpu()
                at = torch.arange(start, start + scores.shape[1]).expand(len(scores), -1)
                if best is not None:
                    scores, at = torch.cat([best[0], scores], 1), torch.cat([best[1], at], 1)
                kept = scores.topk(min(k, scores.shape[1]), dim=1)
                best = kept.values, at.gather(1, kept.indices)
        finally:
            self.model.train(training)
        ids = self.text.document_ids
        return Run.of(
            {
                query: {ids[row]: score for row, score in zip(rows, scores, strict=True)}
                for query, rows, scores in zip(queries, best[1].tolist(), best[0].tolist(), strict=True)
            }
        )
