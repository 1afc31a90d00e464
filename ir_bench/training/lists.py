"""Training of a model that reads query and document together: scores are those of each query's own list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ir_bench.errors import InputError
from ir_bench.evaluation.measures import evaluate
from ir_bench.protocols import Indexing, Queueing, Refreshing
from ir_bench.training.examples import Examples
from ir_bench.training.score_loss import ScoreLoss, unpacked
from ir_bench.training.stage import Stage
from ir_bench.training.step import checked_parts
from ir_bench.training.validation import MEASURE
from ir_bench.types import Run

AT_ONCE = 32  # pairs in a forward pass, of similar length


def reads_pairs(model: Any) -> bool:
    """Whether a model reads query and document together, and so has no vectors."""
    return type(model).__name__ == "CrossEncoder"


def require_lists(stage: Stage) -> None:
    """Raises InputError for a stage that asks of a cross-encoder what only a model of vectors can do."""
    source = type(stage.negatives).__name__
    own = isinstance(stage.negatives, Refreshing) and (
        stage.negatives.retriever is None or stage.negatives.refresh_every > 0
    )
    for asked, what, cure in (
        (stage.in_batch, "in_batch=true: every query would be read with every document", "set in_batch=false"),
        (stage.learns != "all", f"learns={stage.learns}: its classifier is new", "set learns=all"),
        (stage.mini_batch_size is not None, "mini_batch_size", "make the batch smaller"),
        (stage.keep > 0, "keep", "set keep=0"),
        (stage.vector_teacher is not None, "a vector_teacher", "take a teacher of scores"),
        (own, f"{source} searching with the model itself", "give it a retriever, and set refresh_every=0"),
        (isinstance(stage.negatives, (Indexing, Queueing)), f"{source}, a source of vectors", "take negatives=bm25"),
        (stage.negatives.count < 1, f"{source}, which draws none for a query's own list", "take negatives=bm25"),
    ):
        if asked:
            raise InputError(
                f"a cross-encoder is to be trained with {what}", "one list of documents for each query", cure
            )


class ListLoss(nn.Module):
    """The objective of a `ScoreLoss` over each query's own list, the scores being those of a cross-encoder.

    What `loss=` of a CrossEncoderTrainer takes: columns of texts (query, positive, negative_1 …) and labels as
    ScoreLoss has them. Padding is not read. Raises InputError as ScoreLoss does.
    """

    def __init__(self, loss: ScoreLoss) -> None:
        super().__init__()
        self.loss, self.model = loss, loss.model

    def forward(
        self, columns: Sequence[Sequence[str]], labels: Any, prompt: str | None = None, task: str | None = None
    ) -> Tensor | dict[str, Tensor]:
        queries, *documents = columns
        packed = labels if isinstance(labels, Tensor) else torch.stack(list(labels))
        query_rows, document_rows, teacher, weights = unpacked(packed, len(documents), self.loss.weighted)
        places = np.argwhere(document_rows >= 0)
        found = read_together(self.model, [(queries[i], documents[j][i]) for i, j in places.tolist()])
        at = torch.from_numpy(places).to(found.device)
        scores = found.new_zeros(document_rows.shape, dtype=torch.float32)
        scores = scores.index_put((at[:, 0], at[:, 1]), found.float())
        step = self.loss.step({"scores": scores}, query_rows, document_rows, teacher, weights)
        self.loss.seen.add(step)
        parts = checked_parts(self.loss.objective, step)
        return parts if hasattr(self.loss.objective, "parts") else parts["loss"]

    def get_config_dict(self) -> dict[str, Any]:
        return self.loss.get_config_dict()


def read_together(model: Any, pairs: Sequence[tuple[str, str]]) -> Tensor:
    """A cross-encoder's number for each (query, document) [pairs], with its gradient."""
    bare = model.module if hasattr(model, "module") else model
    order = sorted(range(len(pairs)), key=lambda i: -len(pairs[i][0]) - len(pairs[i][1]))
    parts = []
    for start in range(0, len(order), AT_ONCE):
        features = bare.preprocess([pairs[i] for i in order[start : start + AT_ONCE]])
        features = {k: v.to(bare.device) if isinstance(v, Tensor) else v for k, v in features.items()}
        parts.append(model(features)["scores"].squeeze(-1))
    return torch.cat(parts)[torch.from_numpy(np.argsort(order)).to(parts[0].device)]


@dataclass
class ListValidation:
    """`Validation` for a cross-encoder: nDCG@10 within the lists of held-out queries, by name of the collection; a
    query's list is what the stage's own sources of pairs and negatives gave for it."""

    collections: Mapping[str, Examples]
    primary_metric: str = MEASURE
    greater_is_better: bool = True

    def __call__(
        self, model: Any, output_path: str | None = None, epoch: int = -1, steps: int = -1
    ) -> dict[str, float]:
        training = model.training
        model.eval()
        try:
            values = {name: self._score(model, examples) for name, examples in self.collections.items()}
        finally:
            model.train(training)
        mean = float(np.mean(list(values.values())))
        return {MEASURE: mean, **{f"{MEASURE}_{name.replace('/', '_')}": value for name, value in values.items()}}

    @torch.inference_mode()
    def _score(self, model: Any, examples: Examples) -> float:
        queries, documents, _ = examples.candidates()
        texts, rows = examples.pairs, list(zip(queries.tolist(), documents.tolist(), strict=True))
        scores = read_together(model, [(texts.queries[q], texts.documents[d]) for q, d in rows]).float().cpu()
        scored: dict[str, dict[str, float]] = {}
        for (query, document), score in zip(rows, scores.tolist(), strict=True):
            scored.setdefault(texts.query_ids[query], {})[texts.document_ids[document]] = score
        qrels: dict[str, dict[str, int]] = {}
        for query, document in zip(examples.query_rows.tolist(), examples.document_rows[:, 0].tolist(), strict=True):
            qrels.setdefault(texts.query_ids[query], {})[texts.document_ids[document]] = 1
        return evaluate(Run.of(scored), qrels, [MEASURE]).means[MEASURE]
