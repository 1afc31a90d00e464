"""An objective as a loss of the sentence-transformers trainers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers.base.losses.merged_forward import embed_columns, embed_columns_padded
from sentence_transformers.util import stack_padded_token_embeddings
from sentence_transformers.util.similarity import maxsim, maxsim_pairwise
from torch import Tensor, nn
from transformers import TrainerCallback

from ir_bench.errors import InputError
from ir_bench.protocols import Objective
from ir_bench.training.nested import needs_layers, parameters
from ir_bench.training.step import Step, checked_parts

Rows = NDArray[np.int64]
Known = Callable[[Rows, Rows], NDArray[np.bool_]]
OnlineTeacher = Callable[[Rows, Rows], Tensor]
VectorTeacher = Callable[[Rows, Rows], tuple[Tensor | None, Tensor | None]]

EXACT = 2**24  # whole numbers up to here are exact in float32


class ScoreLoss(nn.Module):
    """The value of an objective over the scores of one batch; what `loss=` of a trainer takes.

    Columns of the training set: query, positive, negative_1 … negative_n, then `label`: [query row, 1 + n document
    rows, and with a saved teacher its 1 + n scores], float32 [examples, 2 + n or 3 + 2n]. Document row -1 is padding.
    `known(query_rows [queries], document_rows [documents])` is True [queries, documents] for every known positive of a
    query and for its own document; apart from the labelled positive they are masked.
    `in_batch`: the documents of the other examples are candidates too (negatives), after each other by example.
    `teacher(query_rows, document_rows)` scores the batch [queries, documents] as it is trained on, instead of `label`;
    `vector_teacher` gives the teacher's query vectors and document vectors [documents, dimensions], or None for a side.
    `idf` [terms] is for regularisers that read it. What the objective learns is learned with the model.
    Scores are the model's own similarity; a MultiVectorEncoder's are MaxSim, and it has no vectors for the objective.

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
    ) -> None:
        super().__init__()
        self.model = model  # the trainer replaces this attribute by its wrapped model
        self.objective, self.known, self.in_batch = objective, known, in_batch
        self.teacher, self.vector_teacher = teacher, vector_teacher
        self.idf: Tensor | None
        self.register_buffer("idf", idf, persistent=False)
        self.learned = nn.ParameterDict({n.replace(".", "_"): p for n, p in parameters(objective).items()})
        self.number = 0  # of optimiser steps so far: FollowSteps keeps it

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: Tensor | None) -> Tensor | dict[str, Tensor]:
        """The value; of a weighted sum its terms, which the trainer adds up and logs apart."""
        features = [dict(column) for column in sentence_features]
        query_rows, document_rows, teacher = self._unpack(labels, len(features) - 1)
        step = self._step(self._score(features), query_rows, document_rows, teacher)
        parts = checked_parts(self.objective, step)
        return parts if hasattr(self.objective, "parts") else parts["loss"]

    def get_config_dict(self) -> dict[str, Any]:
        """For the model card."""
        return {"objective": repr(self.objective), "in_batch": self.in_batch}

    def _unpack(self, labels: Tensor | None, documents: int) -> tuple[Rows, Rows, Tensor | None]:
        """Query rows [queries], document rows [queries, documents], teacher scores [queries, documents] or None."""
        widths = 1 + documents, 1 + 2 * documents
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
        return rows[:, 0], rows[:, 1:], labels[:, widths[0] :].detach() if labels.shape[1] > widths[0] else None

    def _step(self, scored: dict[str, Any], query_rows: Rows, document_rows: Rows, teacher: Tensor | None) -> Step:
        """Labels, masks and teachers beside the scores."""
        queries, width = document_rows.shape
        device, dtype = scored["scores"].device, scored["scores"].dtype
        flat = document_rows.reshape(-1)
        counts = torch.from_numpy(np.ascontiguousarray(~self.known(query_rows, flat) & (flat >= 0))).to(device)
        own = torch.eye(queries, dtype=torch.bool, device=device).repeat_interleave(width, 1)  # [queries, documents]
        labelled = torch.zeros_like(own)
        labelled[torch.arange(queries), torch.arange(queries) * width] = True
        labelled &= torch.from_numpy(flat >= 0).to(device)
        if self.teacher is not None:
            scores = self.teacher(query_rows, flat).to(device)
        elif teacher is not None:
            scores = torch.full(own.shape, torch.nan, dtype=teacher.dtype, device=device)
            scores[own] = teacher.to(device).reshape(-1)
        else:
            scores = None

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
            teacher_query_vectors=None if teacher_queries is None else teacher_queries.to(device),
            teacher_document_vectors=None if teacher_documents is None else teacher_documents.to(device),
            idf=self.idf,
            number=self.number,
        )

    def _score(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        """The step's scores and vectors."""
        model = _bare(self.model)
        layers = None
        if "maxsim" in str(getattr(model, "similarity_fn_name", "")):
            scores, queries, documents = self._maxsim(model, features), None, None
        else:
            if needs_layers(self.objective):
                columns, layered = zip(*(_with_layers(self.model, model, column) for column in features), strict=True)
                layers = [(of[0], self._together(list(of[1:]))) for of in zip(*layered, strict=True)]
            else:
                columns = tuple(embed_columns(self.model, features))
            queries, documents = columns[0], self._together(list(columns[1:]))
            if self.in_batch:
                scores = model.similarity(queries, documents)
            else:
                scores = torch.stack([model.similarity_pairwise(queries, column) for column in columns[1:]], 1)
        if scores.dtype in (torch.float16, torch.bfloat16):
            scores = scores.float()  # differences of scores are what an objective is made of
        return {"scores": scores, "query_vectors": queries, "document_vectors": documents, "layers": layers}

    def _together(self, columns: list[Tensor]) -> Tensor:
        """Document columns [queries, dimensions] as candidates: by example, then by column."""
        stacked = torch.stack(columns, 1)  # [queries, columns, dimensions]
        return stacked.flatten(0, 1) if self.in_batch else stacked

    def _maxsim(self, model: Any, features: list[dict[str, Any]]) -> Tensor:
        """Sums over query tokens of their best document token; the mean with `meanmaxsim`."""
        query = self.model(features[0], task=features[0].get("task", "query"))
        tokens, mask = query["token_embeddings"], query["attention_mask"].bool()
        columns = embed_columns_padded(self.model, features[1:], task_default="document")
        documents, documents_mask = stack_padded_token_embeddings(*columns)  # [queries, columns, tokens, dimensions]
        options = {"a_mask": mask, "length_normalize": model.similarity_fn_name == "meanmaxsim"}
        if self.in_batch:
            return maxsim(tokens, documents.flatten(0, 1), b_mask=documents_mask.flatten(0, 1), **options)
        return torch.stack(
            [
                maxsim_pairwise(tokens, documents[:, i], b_mask=documents_mask[:, i], **options)
                for i in range(documents.shape[1])
            ],
            1,
        )


class FollowSteps(TrainerCallback):
    """Tells a loss how many optimiser steps went before, also after a resumed training, for schedules and draws."""

    def __init__(self, loss: ScoreLoss) -> None:
        self.loss = loss

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.loss.number = state.global_step


def _bare(model: Any) -> Any:
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
