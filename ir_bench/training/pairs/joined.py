"""Pairs of several sources together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ir_bench.errors import InputError
from ir_bench.protocols import PairSource
from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText
from ir_bench.training.known import Known


@dataclass
class Joined:
    """The pairs of each source, one after the other; what one source knows of a query holds for equal queries.

    Sources of one kind make the same texts from the same seed, so that several systems label the same crops.
    Raises InputError for no sources, for sources whose documents are texts that they made, and where only some bring
    negatives, weights, or as many negatives.
    Source: Lin et al. 2023, "How to Train Your DRAGON", section 4 (labels of one teacher after the other, accumulated).
    """

    sources: Mapping[str, PairSource]

    def pairs(self, text: TrainingText, store: Store, seed: int) -> Pairs:
        parts = [source.pairs(text, store, seed) for source in self.sources.values()]
        if not parts:
            raise InputError("Joined has no sources", "at least one", "name them: sources: {bm25: …, dense: …}")
        for name, part in zip(self.sources, parts, strict=True):
            if len(part.documents) != len(text.documents):
                raise InputError(
                    f"the source {name!r} makes documents of its own, which cannot be joined",
                    "pairs whose positives are documents of the corpus",
                    "take labelled, generated or rank_range pairs",
                )
        kinds = {(None if p.negatives is None else p.negatives.shape[1], p.weights is None) for p in parts}
        if len(kinds) != 1:
            raise InputError(
                f"the sources {', '.join(self.sources)} do not bring the same negatives and weights",
                "all with as many negatives, all or none with weights",
                "set the sources alike",
            )
        starts = np.cumsum([0, *(len(part.queries) for part in parts)]).tolist()
        names = [f"{name}:{query}" for name, part in zip(self.sources, parts, strict=True) for query in part.query_ids]
        queries = [query for part in parts for query in part.queries]
        owners, documents = zip(*(np.divmod(p.known.keys, p.known.corpus_size) for p in parts), strict=True)
        return Pairs(
            query_ids=names,
            queries=queries,
            document_ids=text.document_ids,
            documents=text.documents,
            query_rows=np.concatenate([p.query_rows + start for p, start in zip(parts, starts, strict=False)]),
            document_rows=np.concatenate([part.document_rows for part in parts]),
            known=Known.of(
                names,
                queries,
                text.documents,
                np.concatenate([rows + start for rows, start in zip(owners, starts, strict=False)]),
                np.concatenate(documents),
            ),
            weights=None
            if parts[0].weights is None
            else np.concatenate([p.weights for p in parts if p.weights is not None]),
            negatives=None
            if parts[0].negatives is None
            else np.concatenate([p.negatives for p in parts if p.negatives is not None]),
        )
