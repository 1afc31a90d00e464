"""What an objective sees of one training step, and the checks that all objectives share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from ir_bench.errors import InputError
from ir_bench.protocols import Objective
from ir_bench.training.prefixes import prefixes

if TYPE_CHECKING:
    from ir_bench.training.padded_tokens import PaddedTokens

Side = Literal["queries", "documents"]


@dataclass(frozen=True)
class Step:
    """One batch, scored. A column of `scores` is one document for all queries, or the j-th of each query's own list.

    `scores` [queries, candidates]: the student's, with gradients.
    `labels` [queries, candidates]: 1 for a positive, 0 for a negative; larger grades are better positives.
    `mask` [queries, candidates], bool: True where a candidate counts. False for known positives other than the labelled
    ones, for the query's own document and for padding; what is False changes neither value nor gradient.
    `teacher` [queries, candidates]: the teacher's scores; NaN where it was not asked or had none.
    `batch_teacher` [queries, candidates]: those of a teacher that scored the whole batch, for objectives over the
    batch; None: they take `teacher`.
    `weights` [queries]: how much each query's example counts, 1 on average over the training set; None: all alike.
    `own` [queries, candidates], bool: True for the candidates of the query's own list, False for those of the other
    queries in the batch; None: all are its own.
    `query_vectors` [queries, dimensions]; `document_vectors` [candidates, dimensions], or [queries, candidates,
    dimensions] where each query has its own list. `teacher_query_vectors`, `teacher_document_vectors`: the same texts
    by the teacher, which may have another number of dimensions.
    `tokens`: the texts' token vectors, where scores are their MaxSim; there is no vector for a text then.
    `layers`: (query vectors, document vectors) pooled from each layer, the embedding layer first, the full model last.
    `idf` [dimensions]: inverse document frequency of each term of a sparse vector.
    `number`: how many optimiser steps went before, for schedules and for what is drawn at random.
    """

    scores: Tensor
    labels: Tensor
    mask: Tensor
    teacher: Tensor | None = None
    batch_teacher: Tensor | None = None
    weights: Tensor | None = None
    own: Tensor | None = None
    query_vectors: Tensor | None = None
    document_vectors: Tensor | None = None
    teacher_query_vectors: Tensor | None = None
    teacher_document_vectors: Tensor | None = None
    tokens: PaddedTokens | None = None
    layers: Sequence[tuple[Tensor, Tensor]] | None = None
    idf: Tensor | None = None
    number: int = 0

    @property
    def positives(self) -> Tensor:
        """[queries, candidates], bool."""
        return self.mask & (self.labels > 0)

    @property
    def negatives(self) -> Tensor:
        """[queries, candidates], bool."""
        return self.mask & (self.labels <= 0)

    def mean(self, values: Tensor, queries: Tensor | None = None) -> Tensor:
        """Mean of `values`, one for each query or for each entry of `queries`, each times the weight of its query."""
        if self.weights is not None:
            values = values * (self.weights if queries is None else self.weights[queries]).to(values)
        return values.mean()

    def own_lists(self) -> Step:
        """The same step without the candidates of other queries."""
        return self if self.own is None else replace(self, mask=self.mask & self.own)

    def vectors(self, layer: int | None = None) -> tuple[Tensor, Tensor]:
        """Query and document vectors of the full model, or of a layer (0: embeddings); InputError without them."""
        if layer is not None and self.layers is None:
            raise InputError(
                "this objective compares layers, but the step has no vectors of layers",
                "Step.layers, one pair of query and document vectors a layer",
                "train a model whose first module is a transformer that pools its last hidden state to one vector",
            )
        if layer is not None and self.layers is not None:
            if not -len(self.layers) <= layer < len(self.layers):
                raise InputError(
                    f"layer {layer} of a model with layers 0 to {len(self.layers) - 1}",
                    "a layer that it has (0: embeddings)",
                    "change the objective's layers",
                )
            return self.layers[layer]
        if self.query_vectors is None or self.document_vectors is None:
            has = "scores alone" if self.tokens is None else "scores and vectors of tokens"
            raise InputError(
                f"this objective reads vectors of texts, but the step has {has}",
                "one vector a text, as dense and sparse encoders give",
                "use it with such an encoder, or use an objective over scores",
            )
        return self.query_vectors, self.document_vectors

    def at(self, dimensions: int | None = None, layer: int | None = None, normalise: bool = True) -> Step:
        """The step as a smaller model scores it: the first dimensions of a layer's vectors, by cosine or dot product;
        of token vectors, by MaxSim of these.

        Raises InputError where the vectors have fewer dimensions, or are not there.
        """
        if self.tokens is not None and layer is None:
            tokens = self.tokens.at(dimensions, normalise)
            return replace(self, scores=tokens.scores(), tokens=tokens)
        queries, documents = prefixes(*self.vectors(layer), dimensions, normalise)
        own_lists = documents.ndim == 3
        scores = torch.einsum("qd,qcd->qc", queries, documents) if own_lists else queries @ documents.T
        return replace(self, scores=scores, query_vectors=queries, document_vectors=documents)

    def texts(self, side: Side) -> Tensor:
        """Vectors of one side [texts, dimensions], without documents that count for no query (padding)."""
        queries, documents = self.vectors()
        if side == "queries":
            return queries
        if side != "documents":
            raise InputError(f"side={side!r}", "queries or documents", "correct the setting")
        return documents[self.mask if documents.ndim == 3 else self.mask.any(0)]


def require_contrast(step: Step) -> None:
    """Raises InputError for a query without a positive, and for a batch without a negative."""
    lacking = (~step.positives.any(1)).nonzero().flatten().tolist()
    if lacking:
        raise InputError(
            f"{len(lacking)} of {len(step.mask)} queries of the batch have no positive, the first is {lacking[0]}",
            "a positive for every query",
            "leave such queries out of the training pairs, or check that the mask keeps the labelled positive",
        )
    if not step.negatives.any():
        raise InputError(
            "no query of the batch has a negative: all others are known positives, its own document or padding",
            "at least one negative in a batch",
            "enlarge the batch, mine negatives, or spread each query's positives over several batches",
        )


def require_teacher(step: Step, of_batch: bool = False) -> Tensor:
    """The teacher's scores [queries, candidates], with `of_batch` those of a teacher of whole batches where there is
    one. Raises InputError where a score that counts is missing."""
    teacher = step.batch_teacher if of_batch and step.batch_teacher is not None else step.teacher
    if teacher is None:
        raise InputError(
            "this objective distils, but the step has no teacher scores",
            "a teacher's score for every candidate",
            "give the recipe a teacher, or take an objective over labels",
        )
    missing = int((~torch.isfinite(teacher) & step.mask).sum())
    if missing:
        raise InputError(
            f"the teacher has no score for {missing} of {int(step.mask.sum())} candidates",
            "a finite score for every candidate that counts",
            "score them, drop those candidates, keep to each query's own list (in_batch: false), or give the stage a "
            "batch_teacher",
        )
    return teacher


def preferences(step: Step) -> tuple[Tensor, Tensor, Tensor]:
    """Every (query, better candidate, worse candidate), three columns [pairs]: both count, the labels differ.

    Raises InputError for a query without a positive, and for a batch without a pair.
    """
    require_contrast(step)
    queries, better = step.positives.nonzero(as_tuple=True)
    labels = step.labels[queries]  # [positives, candidates]
    worse = step.mask[queries] & (labels < step.labels[queries, better][:, None])
    which, worse = worse.nonzero(as_tuple=True)
    return queries[which], better[which], worse


def checked_parts(objective: Objective, step: Step) -> dict[str, Tensor]:
    """The terms of a weighted sum by name, or the whole objective as `loss`.

    Raises InputError where a score that counts, or a term, is not a finite number.
    """
    cure = "go back to the last checkpoint with a lower learning rate, gradient clipping or float32"
    broken = int((~torch.isfinite(step.scores) & step.mask).sum())
    if broken:
        raise InputError(
            f"step {step.number}: {broken} of {int(step.mask.sum())} scores are not finite numbers",
            "finite scores",
            cure,
        )
    parts: dict[str, Tensor] = objective.parts(step) if hasattr(objective, "parts") else {"loss": objective(step)}
    for name, value in parts.items():
        if not torch.isfinite(value):
            raise InputError(f"step {step.number}: {name} is {value.item()}, by {objective}", "a finite number", cure)
    return parts


def checked(objective: Objective, step: Step) -> Tensor:
    """The objective's value. Raises InputError where a score that counts, or the value, is not a finite number."""
    return torch.stack(list(checked_parts(objective, step).values())).sum()
