"""Several retrievers whose rankings become one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ir_bench.errors import InputError
from ir_bench.protocols import Comparing, Fusion, Retriever, Summing
from ir_bench.scoring import require_depth
from ir_bench.store import Store
from ir_bench.types import Alignment, Corpus, Queries, Run


@dataclass
class Fused:
    """The fusion of the best `depth` documents of each retriever, or of the best k where k is larger.

    Raises InputError where there is no retriever and where k or `depth` is below 1.
    """

    retrievers: Mapping[str, Retriever]
    fusion: Fusion
    depth: int = 1000

    def __post_init__(self) -> None:
        if not self.retrievers:
            raise InputError("Fused has no retrievers", "at least one", "name them: retrievers: {bm25: …, minilm: …}")

    def build(self, corpus: Corpus, store: Store) -> None:
        for retriever in self.retrievers.values():
            retriever.build(corpus, store)

    def search(self, queries: Queries, k: int) -> Run:
        require_depth(k)
        require_depth(self.depth)
        depth = max(self.depth, k)
        return self.fusion({name: r.search(queries, depth) for name, r in self.retrievers.items()}, k)

    @property
    def aligns(self) -> bool:
        """Whether one retriever alone compares tokens and the fusion adds its score as it is, times a weight."""
        return self._comparing() is not None

    def align(self, query: str, documents: Sequence[str]) -> dict[str, Alignment]:
        """The tokens of the query against those of each document, weighted, of the retriever that compares them; what
        else makes the score, at `depth`, is added as that of the others.

        Where that retriever does not list a document, the score of one that others list comes from no tokens. One that
        none lists has no score: tokens alone are told. Raises InputError where several retrievers compare tokens or
        none does, and where the fusion does more than add weighted scores.
        """
        found = self._comparing()
        if found is None:
            raise InputError(
                "the score is not a sum of tokens and what others add",
                "one retriever that compares tokens in a linear fusion without normalisation",
                f"explain one of: {', '.join(self.retrievers)}",
            )
        name, comparing, weight = found
        runs = {each: r.search({"query": query}, self.depth) for each, r in self.retrievers.items()}
        fused = self.fusion(runs, sum(len(run["query"]) for run in runs.values()) or 1)["query"]
        scores = dict(zip(fused.documents, fused.scores.tolist(), strict=True))
        listed = set(runs[name]["query"].documents)
        aligned = {}
        for document, own in comparing.align(query, documents).items():
            part, others = replace(own, weight=weight * own.weight), [each for each in runs if each != name]
            if document in scores and document not in listed:
                part, others = replace(part, similarities=np.full_like(part.similarities, np.nan)), list(runs)
            if document in scores and others:
                rest = scores[document] - sum(match.score for match in part.matches())
                part = replace(part, added={f"score of {' + '.join(others)}": rest})
            aligned[document] = part
        return aligned

    def _comparing(self) -> tuple[str, Comparing, float] | None:
        """The only retriever that compares tokens, with its name and its weight."""
        found = [(name, r) for name, r in self.retrievers.items() if isinstance(r, Comparing) and r.aligns]
        factors = self.fusion.factors(self.retrievers) if isinstance(self.fusion, Summing) else None
        return (*found[0], factors[found[0][0]]) if len(found) == 1 and factors is not None else None
