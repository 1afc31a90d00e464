"""Vectors of other encoders, for a student to match."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ir_bench.encoding import encoded_documents
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe, fingerprint
from ir_bench.protocols import Encoder
from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText
from ir_bench.training.known import Rows
from ir_bench.training.started import require_started
from ir_bench.types import Dense

if TYPE_CHECKING:
    from torch import Tensor

PER_SHARD = 4096  # as a VectorRetriever has it, whose encoding of the same corpus is shared


@dataclass
class Encoders:
    """The unit vectors of each encoder one after the other, made unit length again [texts, sum of dims].

    `queries` and `documents`: the sides that are taught. Everything is encoded once and kept in the store.
    Raises InputError for no encoders, no side, and encoders of other vectors than dense ones.
    Source: Zhang et al. 2024, "Jasper and Stella: distillation of SOTA embedding models", section 3 (concatenated
    teachers).
    """

    encoders: Mapping[str, Encoder]
    queries: bool = True
    documents: bool = True
    _vectors: tuple[list[Dense], list[list[Dense]]] | None = field(default=None, init=False, repr=False, compare=False)

    def start(self, text: TrainingText, pairs: Pairs, store: Store) -> None:
        if not self.encoders or not (self.queries or self.documents):
            raise InputError("Encoders teaches nothing", "an encoder and a side", "name encoders: {minilm: …}")
        for name, encoder in self.encoders.items():
            if encoder.produces is not Dense:
                raise InputError(
                    f"the encoder {name!r} gives {encoder.produces.__name__} vectors",
                    "Dense vectors",
                    "choose another encoder",
                )
        of_queries, of_documents = [], []
        for encoder in self.encoders.values():
            encoder.fit(text.corpus)
            if self.queries:
                of_queries.append(_encoded(encoder.encode_queries, pairs.queries, encoder, "queries", store))
            if self.documents:
                parts = [encoded_documents(encoder, text.corpus, store, PER_SHARD)[1]]
                if more := pairs.documents[len(text.documents) :]:
                    parts.append(_encoded(encoder.encode_documents, more, encoder, "documents", store))
                of_documents.append(parts)
        self._vectors = (of_queries, of_documents)

    def vectors(self, query_rows: Rows, document_rows: Rows) -> tuple[Tensor | None, Tensor | None]:
        queries, documents = require_started(self._vectors, self)
        return (
            _together([_of([vectors], query_rows) for vectors in queries]),
            _together([_of(parts, document_rows) for parts in documents]),
        )


def _encoded(encode: Any, texts: Sequence[str], encoder: Encoder, what: str, store: Store) -> Dense:
    def blocks(first: int) -> Iterator[Dense]:
        for start in range(first * PER_SHARD, len(texts), PER_SHARD):
            yield encode(list(texts[start : start + PER_SHARD]))

    return store.vectors([f"taught {what}", describe(encoder), fingerprint(list(texts))], Dense, blocks, PER_SHARD)


def _of(parts: Sequence[Dense], rows: Rows) -> NDArray[np.float32]:
    """Vectors by row of several lists, one after the other; zeros for -1."""
    found = np.zeros((len(rows), parts[0].values.shape[1]), np.float32)
    start = 0
    for part in parts:
        own = (rows >= start) & (rows < start + len(part))
        found[own] = part.values[rows[own] - start]
        start += len(part)
    return found


def _together(parts: Sequence[NDArray[np.float32]]) -> Tensor | None:
    import torch
    from torch.nn.functional import normalize

    if not parts:
        return None
    return normalize(torch.cat([normalize(torch.from_numpy(part), dim=1) for part in parts], 1), dim=1)
