"""Texts to bags of terms, for an inverted index that weighs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ir_bench.protocols import Analyzer
from ir_bench.types import Corpus, Sparse, Strings


@dataclass
class LexicalEncoder:
    """How often each term of an analyzer occurs in each text: float32 counts, the vocabulary that of the call."""

    produces: ClassVar[type] = Sparse

    analyzer: Analyzer

    def fit(self, corpus: Corpus) -> None:
        """Nothing to learn: document frequencies and lengths belong to the index."""

    def encode_documents(self, texts: Sequence[str]) -> Sparse:
        counts = self.analyzer.count(texts)
        return Sparse(
            np.asarray(counts.terms, np.int32),
            np.asarray(counts.counts, np.float32),
            np.asarray(counts.offsets, np.int64),
            Strings.of(counts.vocabulary),
        )

    def encode_queries(self, texts: Sequence[str]) -> Sparse:
        return self.encode_documents(texts)

    def tokens(self, text: str) -> list[str]:
        """The terms of a text."""
        return self.analyzer.analyze(text)
