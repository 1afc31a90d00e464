"""Queries moved along latents of a sparse autoencoder, towards a concept or away from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ir_bench.checkpoints import OF_QUERIES
from ir_bench.errors import InputError
from ir_bench.protocols import Coder
from ir_bench.types import Dense, Sparse


@dataclass
class SaeSteer:
    """Query vectors [queries, dims] with some latents raised: decode(encode(q) + gains), of the query's length.

    `latents`: the number of a latent -> what is added to its weight, which never falls below zero; none leaves queries
    as they are. Documents are not changed. `keep_residual` adds what the code loses: q + decode(raised) - decode(code).
    Source: O'Neill et al. 2024, Disentangling Dense Embeddings with Sparse Autoencoders (steered search).
    Raises InputError for a latent that the coder does not have.
    """

    accepts: ClassVar[type] = Dense
    produces: ClassVar[type] = Dense

    coder: Coder
    latents: Mapping[str, float] = field(default_factory=dict, metadata=OF_QUERIES)
    keep_residual: bool = field(default=False, metadata=OF_QUERIES)

    @property
    def learner(self) -> Coder:
        return self.coder

    def fit(self, documents: Dense) -> None:
        self.coder.fit(documents)

    def documents(self, vectors: Dense) -> Dense:
        return vectors

    def queries(self, vectors: Dense) -> Dense:
        if not self.latents or len(vectors) == 0:
            return vectors
        codes = self.coder.encode(vectors)
        names = {name: number for number, name in enumerate(codes.vocabulary)}
        if strange := [str(name) for name in self.latents if str(name) not in names]:
            raise InputError(
                f"latent {strange[0]} of a sparse coder with {len(names)} latents",
                f"numbers from 0 to {len(names) - 1}",
                "correct transform.latents",
            )
        weights = np.zeros((len(vectors), len(names)), np.float32)
        weights[np.repeat(np.arange(len(vectors)), np.diff(codes.offsets)), codes.terms] = codes.weights
        for name, gain in self.latents.items():
            column = names[str(name)]
            weights[:, column] = np.maximum(weights[:, column] + gain, 0)
        rows, terms = weights.nonzero()
        counts = np.bincount(rows, minlength=len(vectors))
        raised = Sparse(terms.astype(np.int32), weights[rows, terms], np.cumsum(np.append(0, counts)), codes.vocabulary)
        values = self.coder.decode(raised).values
        if self.keep_residual:
            # exactly the query's vector where nothing is raised
            values = vectors.values + (values - self.coder.decode(codes).values)
        lengths, own = (np.linalg.norm(v, axis=1, keepdims=True) for v in (values, vectors.values))
        return Dense((values * np.divide(own, lengths, out=np.zeros_like(own), where=lengths > 0)).astype(np.float32))
