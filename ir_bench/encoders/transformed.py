"""An encoder and transforms as one encoder, for retrievers and rerankers that take the vectors as they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ir_bench.encoding import kind_after, require_followed
from ir_bench.protocols import Encoder, Transform
from ir_bench.types import Corpus


@dataclass
class TransformedEncoder:
    """The vectors of `encoder`, changed by `transforms` in turn: a trained head over a frozen model, for example.

    `VectorRetriever(TransformedEncoder(encoder, transforms), index)` finds what `VectorRetriever(encoder, index,
    transforms)` finds, from the same stored vectors; as an encoder they also serve a reranker, or transforms that come
    after them, such as fixed dimensional encodings. Transforms that are fitted to documents get them from
    `encoded_documents`.
    Raises InputError at construction when a part does not take the kind of vectors it would get, and in `fit` for a
    head of another model.
    """

    encoder: Encoder
    transforms: Mapping[str, Transform]
    produces: type = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.produces = kind_after(self.encoder, self.transforms.values())

    def fit(self, corpus: Corpus) -> None:
        require_followed(self.encoder, self.transforms.values())
        self.encoder.fit(corpus)

    def encode_documents(self, texts: Sequence[str]) -> Any:
        vectors = self.encoder.encode_documents(texts)
        for transform in self.transforms.values():
            vectors = transform.documents(vectors)
        return vectors

    def encode_queries(self, texts: Sequence[str]) -> Any:
        vectors = self.encoder.encode_queries(texts)
        for transform in self.transforms.values():
            vectors = transform.queries(vectors)
        return vectors
