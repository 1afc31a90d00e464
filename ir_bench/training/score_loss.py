"""An objective as a loss of the sentence-transformers trainers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers.base.losses.merged_forward import embed_columns, embed_columns_padded
from sentence_transformers.util import stack_padded_token_embeddings
from torch import Tensor, nn
from transformers import TrainerCallback

from ir_bench.errors import InputError
from ir_bench.protocols import Objective
from ir_bench.training.nested import needs_layers, parameters
from ir_bench.training.padded_tokens import PaddedTokens
from ir_bench.training.scores_seen import ScoresSeen
from ir_bench.training.step import Step, checked_parts

Rows = NDArray[np.int64]
Known = Callable[[Rows, Rows], NDArray[np.bool_]]
OnlineTeacher = Callable[[Rows, Rows], Tensor]
VectorTeacher = Callable[[Rows, Rows], tuple[Tensor | None, Tensor | None]]
Fixed = Callable[[Rows, Sequence[Mapping[str, Any]]], Tensor]
Drawn = Callable[[Rows, Tensor, int], tuple[Rows, Tensor]]

EXACT = 2**24  # whole numbers up to here are exact in float32


@dataclass(frozen=True)
class Embedded:
    """A batch's texts as the model gives them: the queries, then one entry for each column of documents.

    `columns`: vectors [queries, dimensions], or token vectors [queries, tokens, dimensions] with their `masks`
    [queries, tokens]. `layers`: the same columns pooled from each layer, the full model last.
    """

    columns: Sequence[Tensor]
    masks: Sequence[Tensor] | None = None
    layers: Sequence[Sequence[Tensor]] | None = None


class ScoreLoss(nn.Module):
    """The value of an objective over the scores of one batch; what `loss=` of a trainer takes.

    Columns of the training set: query, positive, negative_1 … negative_n, then `label`: [query row, 1 + n document
    rows, and with a saved teacher its 1 + n scores], float32 [examples, 2 + n or 3 + 2n]. Document row -1 is padding.
    `known(query_rows [queries], document_rows [documents])` is True [queries, documents] for every known positive of a
    query and for its own document; apart from the labelled positive they are masked.
    `in_batch`: the documents of the other examples are candidates too (negatives), after each other by example.
    `teacher(query_rows, document_rows)` scores the batch [queries, documents] as it is trained on: for objectives over
    the batch beside the scores in `label`, for all objectives where there are none;
    `vector_teacher` gives the teacher's query vectors and document vectors [documents, dimensions], or None for a side.
    `idf` [terms] is for regularisers that read it. What the objective learns is learned with the model.
    `weighted`: the last number of a label is the example's weight.
    `fixed(document_rows [queries, 1 + n], document features)` gives document vectors [queries, 1 + n, dimensions] that
    are not learned, instead of the model's. `drawn(query_rows, query_vectors, number)` gives each query more candidates
    of its own: their rows [queries, m], -1 for none, and vectors [queries, m, dimensions], not learned either.
    Scores are the model's own similarity; a MultiVectorEncoder's are MaxSim, and its vectors are those of tokens.

    Raises InputError for labels of another width, rows that float32 cannot tell apart, and whatever the objective
    refuses: no negative in the batch, a missing teacher score, a score or value that is not a finite number.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        known: Known,
        *,
        in_batch: bool = True,
        teacher: OnlineTeacher | None = None,
        vector_teacher: VectorTeacher | None = None,
        idf: Tensor | None = None,
        weighted: bool = False,
        fixed: Fixed | None = None,
        drawn: Drawn | None = None,
    ) -> None:
        super().__init__()
        self.model = model  # the trainer replaces this attribute by its wrapped model
        self.objective, self.known, self.in_batch = objective, known, in_batch
        self.teacher, self.vector_teacher = teacher, vector_teacher
        self.weighted, self.fixed, self.drawn = weighted, fixed, drawn
        self.idf: Tensor | None
        self.register_buffer("idf", idf, persistent=False)
        self.learned = nn.ParameterDict({n.replace(".", "_"): p for n, p in parameters(objective).items()})
        self.seen = ScoresSeen()
        self.number = 0  # of optimiser steps so far: FollowSteps keeps it

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: Tensor | None) -> Tensor | dict[str, Tensor]:
        """The value; of a weighted sum its terms, which the trainer adds up and logs apart."""
        features = [dict(column) for column in sentence_features]
        learned = features if self.fixed is None else features[:1]
        parts = self.parts(self.embed(learned), features, labels)
        return parts if hasattr(self.objective, "parts") else parts["loss"]

    def parts(
        self, embedded: Embedded, features: Sequence[Mapping[str, Any]], labels: Tensor | None
    ) -> dict[str, Tensor]:
        """The objective's terms by name from what the model made of the features (of the queries alone where documents
        are fixed)."""
        query_rows, document_rows, teacher, weights = unpacked(labels, len(features) - 1, self.weighted)
        if self.fixed is not None:
            (queries,) = embedded.columns
            documents = self.fixed(document_rows, features[1:]).to(queries)
            embedded = replace(embedded, columns=[queries, *documents.unbind(1)])
        step = self.step(self._score(embedded), query_rows, document_rows, teacher, weights)
        if self.drawn is not None:
            step = self._with_drawn(step, *self.drawn(query_rows, step.vectors()[0].detach(), self.number))
        self.seen.add(step)
        return checked_parts(self.objective, step)

    def embed(self, features: Sequence[Mapping[str, Any]]) -> Embedded:
        """What the model makes of some columns."""
        model = bare(self.model)
        if of_tokens(model):
            queries, queries_mask = embed_columns_padded(self.model, [dict(features[0])], task_default="query")
            columns, masks = embed_columns_padded(self.model, [dict(f) for f in features[1:]], task_default="document")
            return Embedded([*queries, *columns], masks=[*queries_mask, *masks])
        if not needs_layers(self.objective):
            return Embedded(embed_columns(self.model, [dict(column) for column in features]))
        vectors, layered = zip(*(_with_layers(self.model, model, column) for column in features), strict=True)
        return Embedded(vectors, layers=list(zip(*layered, strict=True)))

    def get_config_dict(self) -> dict[str, Any]:
        """For the model card."""
        return {"objective": repr(self.objective), "in_batch": self.in_batch}

    def step(
        self,
        scored: dict[str, Any],
        query_rows: Rows,
        document_rows: Rows,
        teacher: Tensor | None,
        weights: Tensor | None,
    ) -> Step:
        """Labels, masks and teachers beside the scores."""
        queries, width = document_rows.shape
        device, dtype = scored["scores"].device, scored["scores"].dtype
        flat = document_rows.reshape(-1)
        counts = torch.from_numpy(np.ascontiguousarray(~self.known(query_rows, flat) & (flat >= 0))).to(device)
        own = torch.eye(queries, dtype=torch.bool, device=device).repeat_interleave(width, 1)  # [queries, documents]
        labelled = torch.zeros_like(own)
        labelled[torch.arange(queries), torch.arange(queries) * width] = True
        labelled &= torch.from_numpy(flat >= 0).to(device)
        of_batch = None if self.teacher is None else self.teacher(query_rows, flat).to(device)
        scores = of_batch
        if teacher is not None:
            scores = torch.full(own.shape, torch.nan, dtype=teacher.dtype, device=device)
            scores[own] = teacher.to(device).reshape(-1)

        def columns(matrix: Tensor) -> Tensor:  # of the batch's documents, or of each query's own
            return matrix if self.in_batch else matrix[own].reshape(queries, width)

        teacher_queries, teacher_documents = (
            self.vector_teacher(query_rows, flat) if self.vector_teacher is not None else (None, None)
        )
        if teacher_documents is not None and not self.in_batch:
            teacher_documents = teacher_documents.reshape(queries, width, -1)
        return Step(
            **scored,
            labels=columns(labelled).to(dtype),
            mask=columns(counts | labelled),
            own=own if self.in_batch else None,
            teacher=None if scores is None else columns(scores),
            batch_teacher=None if of_batch is None else columns(of_batch),
            weights=None if weights is None else weights.to(device),
            teacher_query_vectors=None if teacher_queries is None else teacher_queries.to(device),
            teacher_document_vectors=None if teacher_documents is None else teacher_documents.to(device),
            idf=self.idf,
            number=self.number,
        )

    def _score(self, embedded: Embedded) -> dict[str, Any]:
        """The step's scores and vectors."""
        model = bare(self.model)
        layers = queries = documents = tokens = None
        if embedded.masks is not None:
            tokens = self._tokens(model, embedded.columns, embedded.masks)
            scores = tokens.scores()
        else:
            if embedded.layers is not None:
                layers = [(of[0], self._together(list(of[1:]))) for of in embedded.layers]
            queries, documents = embedded.columns[0], self._together(list(embedded.columns[1:]))
            if self.in_batch:
                scores = model.similarity(queries, documents)
            else:
                scores = torch.stack([model.similarity_pairwise(queries, one) for one in embedded.columns[1:]], 1)
        if scores.dtype in (torch.float16, torch.bfloat16):
            scores = scores.float()  # differences of scores are what an objective is made of
        vectors = {"query_vectors": queries, "document_vectors": documents, "tokens": tokens, "layers": layers}
        return {"scores": scores, **vectors}

    def _with_drawn(self, step: Step, rows: Rows, vectors: Tensor) -> Step:
        """The step with more candidates of each query's own, behind the others."""
        if step.layers is not None or step.teacher_document_vectors is not None:
            raise InputError(
                "negatives are drawn as vectors, but the objective reads those of layers or of a teacher",
                "an objective over scores",
                "take another source of negatives, for example negatives=mined",
            )
        queries, documents = step.vectors()
        vectors = vectors.to(queries)
        count = vectors.shape[1]
        model = bare(self.model)
        scores = model.similarity_pairwise(queries.repeat_interleave(count, 0), vectors.flatten(0, 1))
        mask = torch.from_numpy(rows >= 0).to(step.mask.device)
        if documents.ndim == 2:
            documents = documents.expand(len(queries), *documents.shape)

        def joined(before: Tensor, fill: float) -> Tensor:
            return torch.cat([before, before.new_full((len(queries), count), fill)], 1)

        return replace(
            step,
            scores=torch.cat([step.scores, scores.reshape(len(queries), count).to(step.scores)], 1),
            labels=joined(step.labels, 0),
            mask=torch.cat([step.mask, mask], 1),
            own=None if step.own is None else joined(step.own, 1),
            teacher=None if step.teacher is None else joined(step.teacher, torch.nan),
            batch_teacher=None if step.batch_teacher is None else joined(step.batch_teacher, torch.nan),
            document_vectors=torch.cat([documents, vectors], 1),
        )

    def _together(self, columns: list[Tensor]) -> Tensor:
        """Document columns [queries, dimensions] as candidates: by example, then by column."""
        stacked = torch.stack(columns, 1)  # [queries, columns, dimensions]
        return stacked.flatten(0, 1) if self.in_batch else stacked

    def _tokens(self, model: Any, columns: Sequence[Tensor], masks: Sequence[Tensor]) -> PaddedTokens:
        """Columns of token vectors [queries, tokens, dimensions] as queries and candidates."""
        documents, mask = stack_padded_token_embeddings(list(columns[1:]), list(masks[1:]))
        # [queries, columns, tokens, dimensions]
        if self.in_batch:
            documents, mask = documents.flatten(0, 1), mask.flatten(0, 1)
        return PaddedTokens(columns[0], masks[0], documents, mask, mean=model.similarity_fn_name == "meanmaxsim")


def of_tokens(model: Any) -> bool:
    """Whether a model gives token vectors, which MaxSim compares."""
    return "maxsim" in str(getattr(model, "similarity_fn_name", ""))


def unpacked(
    labels: Tensor | None, documents: int, weighted: bool = False
) -> tuple[Rows, Rows, Tensor | None, Tensor | None]:
    """Query rows [queries], document rows [queries, documents], teacher scores [queries, documents] or None,
    weights [queries] or None."""
    widths = 1 + documents, 1 + 2 * documents
    weights = None
    if weighted and labels is not None and labels.ndim == 2:
        labels, weights = labels[:, :-1], labels[:, -1].detach()
    if labels is None or labels.ndim != 2 or labels.shape[1] not in widths or documents < 1:
        shape = "no labels" if labels is None else f"labels of shape {list(labels.shape)}"
        raise InputError(
            f"{shape} for {documents} document columns",
            f"[examples, {widths[0]}] (query row, document rows) or [examples, {widths[1]}] (and teacher scores)",
            "make the training set's label column of these",
        )
    rows = labels[:, : widths[0]].round().long().cpu().numpy()
    if rows.size and rows.max() >= EXACT:
        raise InputError(
            f"row {rows.max()} in a float32 label", f"rows below {EXACT:,}", "train on a part of the collection"
        )
    scores = labels[:, widths[0] :].detach() if labels.shape[1] > widths[0] else None
    return rows[:, 0], rows[:, 1:], scores, weights


class FollowSteps(TrainerCallback):
    """Tells a loss how many optimiser steps went before, also after a resumed training, for schedules and draws."""

    def __init__(self, loss: ScoreLoss) -> None:
        self.loss = loss

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.loss.number = state.global_step


def bare(model: Any) -> Any:
    """The model inside the wrappers of distributed or compiled training."""
    while not hasattr(model, "similarity"):
        model = model.module if hasattr(model, "module") else model._orig_mod
    return model


def _with_layers(model: Any, bare: Any, features: Mapping[str, Any]) -> tuple[Tensor, list[Tensor]]:
    """A column's vectors [texts, dimensions], and those that the later modules make of each layer's token vectors."""
    transformer, *later = bare.children()
    config = getattr(getattr(transformer, "auto_model", None), "config", None)
    if config is None or not hasattr(config, "output_hidden_states"):
        raise InputError(
            f"{type(transformer).__name__} is the model's first module and shows no layers",
            "a transformer",
            "train such a model, or take an objective that needs no layers",
        )
    before = config.output_hidden_states
    config.output_hidden_states = True
    try:
        output = model(dict(features))
    finally:
        config.output_hidden_states = before
    vectors = []
    for tokens in output["all_layer_embeddings"][:-1]:
        state = {**features, "attention_mask": output["attention_mask"], "token_embeddings": tokens}
        for module in later:
            state = module(state)
        vectors.append(state["sentence_embedding"])
    return output["sentence_embedding"], [*vectors, output["sentence_embedding"]]
