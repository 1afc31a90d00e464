"""Teachers of several collections as one, and what a model's own tokenizer counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ir_bench.errors import InputError
from ir_bench.progress import bar
from ir_bench.protocols import VectorTeacher
from ir_bench.training.known import Rows

if TYPE_CHECKING:
    from torch import Tensor

AT_ONCE = 1024


@dataclass(frozen=True)
class Taught:
    """Vector teachers of several collections, started, with the numbers of queries and documents of each."""

    teachers: Sequence[VectorTeacher]
    sizes: Sequence[tuple[int, int]]

    def __call__(self, query_rows: Rows, document_rows: Rows) -> tuple[Tensor | None, Tensor | None]:
        """Vectors of rows over all collections [queries, dims] and [documents, dims], zeros for -1."""
        found: list[Tensor | None] = [None, None]
        starts = [0, 0]
        for teacher, sizes in zip(self.teachers, self.sizes, strict=True):
            own = [
                np.where((rows >= start) & (rows < start + size), rows - start, -1)
                for rows, start, size in zip((query_rows, document_rows), starts, sizes, strict=True)
            ]
            for side, vectors in enumerate(teacher.vectors(own[0], own[1])):
                if vectors is not None:
                    vectors[np.flatnonzero(own[side] < 0)] = 0
                    before = found[side]
                    found[side] = vectors if before is None else before + vectors
            starts = [start + size for start, size in zip(starts, sizes, strict=True)]
        return found[0], found[1]


def inverse_document_frequencies(model: Any, texts: Sequence[str]) -> Tensor:
    """ln(1 + (N - n + 0.5) / (n + 0.5)) of each token of the model's vocabulary [terms], over N texts, of which n have
    it; 1 for a token that none has, as a rare one would get an extreme value by chance.

    Raises InputError for a model whose vectors are not over its vocabulary.
    Source: Robertson and Spärck Jones 1976, in Lucene's form.
    """
    import torch

    tokenizer = model.tokenizer
    terms = model.get_embedding_dimension()
    if terms is None or terms < len(tokenizer):
        raise InputError(
            f"the objective reads idf, but the model's vectors have {terms} dimensions for {len(tokenizer)} tokens",
            "a sparse model, with one dimension for each token",
            "choose architecture=splade",
        )
    counts = np.zeros(terms, np.int64)
    with bar(len(texts), "counting tokens", "text") as progress:
        for start in range(0, len(texts), AT_ONCE):
            some = list(texts[start : start + AT_ONCE])
            for ids in tokenizer(some, truncation=True, max_length=model.max_seq_length)["input_ids"]:
                counts[np.unique(ids)] += 1
            progress.update(len(some))
    idf = np.log1p((len(texts) - counts + 0.5) / (counts + 0.5))
    idf[counts == 0] = 1.0
    return torch.tensor(np.maximum(idf, math.log1p(0.5 / (len(texts) + 0.5))), dtype=torch.float32)
