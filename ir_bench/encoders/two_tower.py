"""One encoder for queries and another for documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from ir_bench.errors import InputError
from ir_bench.protocols import Encoder
from ir_bench.types import Corpus, Dense


@dataclass
class TwoTowerEncoder:
    """Queries [queries, dims] from one dense encoder, documents [documents, dims] from another, of equal dims.

    Source: Karpukhin et al. 2020, Dense Passage Retrieval for Open-Domain Question Answering, section 3.1.
    Differs: title and text are joined by a blank; DPR's passages were encoded with [SEP] between the two.
    Raises InputError for encoders of other kinds of vectors; the index raises it for unequal dims.
    """

    produces: ClassVar[type] = Dense

    query: Encoder = field(metadata={"changes_documents": False})
    document: Encoder

    def __post_init__(self) -> None:
        for tower in (self.query, self.document):
            if tower.produces is not Dense:
                raise InputError(
                    f"TwoTowerEncoder takes encoders of Dense vectors, but {type(tower).__name__} gives "
                    f"{tower.produces.__name__}",
                    "two dense encoders",
                    "choose another encoder for encoder.query or encoder.document",
                )

    def fit(self, corpus: Corpus) -> None:
        self.query.fit(corpus)
        self.document.fit(corpus)

    def encode_documents(self, texts: Sequence[str]) -> Dense:
        return self.document.encode_documents(texts)

    def encode_queries(self, texts: Sequence[str]) -> Dense:
        return self.query.encode_queries(texts)
