"""nDCG@10 on the held-out train queries while a model is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from ir_bench.errors import InputError
from ir_bench.evaluation.measures import evaluate
from ir_bench.training.examples import TrainingText
from ir_bench.training.frozen import States
from ir_bench.training.prompts import prompt
from ir_bench.types import Run

MEASURE = "nDCG@10"
AT_ONCE = 32
VECTORS_AT_ONCE = 1024
DEPTH = 100
QUERIES, DOCUMENTS = 200, 2000  # of each collection


@dataclass(frozen=True)
class HeldOut:
    """The held-out queries of one collection and the documents they are searched in, by row of `text`."""

    name: str
    text: TrainingText
    documents: Sequence[int]
    cached: tuple[States, States] | None = None


def some_held_out(name: str, text: TrainingText, states: tuple[States, States] | None, seed: int) -> HeldOut:
    """Some of the held-out queries, in a sample of the corpus that holds all that is relevant to them.

    `states` of all held-out queries and of the corpus, where the model below the head is not trained.
    """
    random = np.random.default_rng(seed)
    queries = np.sort(random.permutation(len(text.queries))[:QUERIES])
    asked = text.of_queries(queries)
    relevant = np.unique(asked.judged)
    others = np.setdiff1d(np.arange(len(text.documents)), relevant)
    extra = random.permutation(others)[: max(0, DOCUMENTS - len(relevant))]
    rows = np.sort(np.concatenate([relevant, extra])).tolist()
    if states is not None:  # by row of the queries asked
        states = (states[0].select(queries.tolist()), states[1])
    return HeldOut(name, asked, rows, states)


@dataclass
class Validation:
    """Scores a model on held-out queries. What `evaluator=` of a trainer takes: it is called with the model, and gives
    {"nDCG@10": …}, the mean over collections, and the value of each."""

    collections: Sequence[HeldOut]
    primary_metric: str = MEASURE
    greater_is_better: bool = True

    def __call__(
        self, model: Any, output_path: str | None = None, epoch: int = -1, steps: int = -1
    ) -> dict[str, float]:
        training = model.training
        model.eval()
        try:
            values = {each.name: self._score(model, each) for each in self.collections}
        finally:
            model.train(training)
        mean = float(np.mean(list(values.values())))
        return {MEASURE: mean, **{f"{MEASURE}_{name.replace('/', '_')}": value for name, value in values.items()}}

    @torch.inference_mode()
    def _score(self, model: Any, held: HeldOut) -> float:
        text = held.text
        queries = embedded(model, "query", text.queries, range(len(text.queries)), held.cached and held.cached[0])
        documents = [text.documents[row] for row in held.documents]
        vectors = embedded(model, "document", documents, held.documents, held.cached and held.cached[1])
        compared = stacked(vectors)
        ids = [text.document_ids[row] for row in held.documents]
        scored: dict[str, Mapping[str, float]] = {}
        for start in range(0, len(queries), AT_ONCE):
            scores = model.similarity(stacked(queries[start : start + AT_ONCE]), compared).float()
            best, at = scores.topk(min(DEPTH, len(ids)), dim=1)
            for query, row, places in zip(text.query_ids[start:], best.tolist(), at.tolist(), strict=False):
                scored[query] = {ids[i]: s for i, s in zip(places, row, strict=True)}
        known = set(ids)
        qrels = {q: {d: g for d, g in grades.items() if d in known} for q, grades in text.qrels().items()}
        qrels = {q: grades for q, grades in qrels.items() if grades}
        if not qrels:
            raise InputError(
                f"{held.name}: no held-out query has a judged document", "judged queries", "hold out a larger share"
            )
        return evaluate(Run.of(scored), qrels, [MEASURE]).means[MEASURE]


def embedded(
    model: Any,
    task: Literal["query", "document"],
    texts: Sequence[str],
    rows: Sequence[int],
    cached: States | None,
) -> list[torch.Tensor]:
    """One vector [dims], or one for each token that counts [tokens, dims], of each text."""
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    found: dict[int, torch.Tensor] = {}
    tokens = cached is None or not cached.pooled
    for some in _batches(order, AT_ONCE if tokens else VECTORS_AT_ONCE):
        features: dict[str, Any] = {}
        if tokens:
            features = model.preprocess([texts[i] for i in some], prompt=prompt(model, task), task=task)
        if cached is not None:
            features |= cached.features([rows[i] for i in some], features["input_ids"].shape[1] if tokens else 0)
        features = {k: v.to(model.device) if isinstance(v, torch.Tensor) else v for k, v in features.items()}
        output = model(features, task=task)
        if output.get("sentence_embedding") is not None:
            vectors = list(output["sentence_embedding"])
        else:
            masks = output["attention_mask"].bool()
            vectors = [tokens[mask] for tokens, mask in zip(output["token_embeddings"], masks, strict=True)]
        found.update(zip(some, vectors, strict=True))
    return [found[i] for i in range(len(texts))]


def _batches(order: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(order), size):
        yield order[start : start + size]


def stacked(vectors: Sequence[torch.Tensor]) -> Any:
    """Vectors [texts, dims], or token vectors as they are: what a model's similarity takes."""
    return torch.stack(list(vectors)) if vectors[0].ndim == 1 else list(vectors)
