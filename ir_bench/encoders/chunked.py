"""Long texts cut into chunks that are encoded each by itself, one vector a chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from ir_bench import models
from ir_bench.errors import InputError
from ir_bench.protocols import Encoder
from ir_bench.types import Corpus, Dense, MultiVector


@dataclass
class ChunkedEncoder:
    """Documents as the vectors [chunks, dims] that `encoder` gives for each of their chunks of at most `tokens` of its
    tokens, equally long but for one; queries as its one vector. With `index=maxsim` the best chunk is the score.

    Chunks do not see each other: the naive form that late chunking (`transform=span_pool`) is compared with, and that
    has its boundaries. `special_tokens` of the tokenizer count as the text's first and last. `most`: tokens of a text
    that are read, with these; null: all of them. A text of one chunk is encoded as without chunks.
    Source: Dai and Callan 2019, Deeper Text Understanding for IR with Contextual Neural Language Modeling, section 3.2
    (MaxP); Günther et al. 2024, Late Chunking (arXiv 2409.04701), section 2.
    Raises InputError for chunks below 3 tokens, an encoder that gives other than one vector a text or has no model with
    a tokenizer of characters' positions.
    """

    produces: ClassVar[type] = MultiVector

    encoder: Encoder
    tokens: int = 64
    most: int | None = None
    _tokenizer: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.tokens < 3 or (self.most is not None and self.most < 3):
            raise InputError(
                f"chunks of {self.tokens} tokens of at most {self.most}", "at least 3: two are the tokenizer's own"
            )
        if self.encoder.produces is not Dense or not hasattr(self.encoder, "model"):
            raise InputError(
                f"ChunkedEncoder over {type(self.encoder).__name__}, which gives {self.encoder.produces.__name__}",
                "an encoder of a checkpoint that gives one vector a text",
                "set encoder@retriever.encoder.encoder=sentence_transformer",
            )

    def fit(self, corpus: Corpus) -> None:
        self.encoder.fit(corpus)

    def encode_documents(self, texts: Sequence[str]) -> MultiVector:
        chunks = [self.chunks(text) for text in texts]
        vectors = self.encoder.encode_documents([chunk for some in chunks for chunk in some])
        return MultiVector(vectors.values, np.cumsum([0, *map(len, chunks)]))

    def encode_queries(self, texts: Sequence[str]) -> MultiVector:
        return MultiVector(self.encoder.encode_queries(texts).values, np.arange(len(texts) + 1))

    def chunks(self, text: str) -> list[str]:
        """The chunks of one text, in order; the text itself where they are one and all of it."""
        tokenizer = self._opened()
        found = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)["offset_mapping"]
        own = tokenizer.num_special_tokens_to_add()
        if self.most is not None:
            found = found[: self.most - own]
        length = len(found) + own
        count = -(-length // self.tokens)
        if count <= 1:
            return [text if self.most is None or not found else text[: found[-1][1]]]
        # the first token is the tokenizer's own, as in vectors of all tokens
        bounds = [min(max(i * length // count - 1, 0), len(found)) for i in range(count)] + [len(found)]
        return [text[found[a][0] : found[b - 1][1]] if a < b else "" for a, b in pairwise(bounds)]

    def _opened(self) -> Any:
        if self._tokenizer is None:
            from transformers import AutoTokenizer

            model = self.encoder.model  # type: ignore[attr-defined]
            with models.loading(model):
                self._tokenizer = AutoTokenizer.from_pretrained(str(models.folder(model)))
            if not self._tokenizer.is_fast:
                raise InputError(f"the tokenizer of {model} does not tell where tokens are in a text", "a fast one")
        return self._tokenizer
