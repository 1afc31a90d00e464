"""Sparse vectors that someone else's model made, looked up by text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, ClassVar, Protocol

from ir_bench import models
from ir_bench.errors import InputError
from ir_bench.protocols import DatasetSource
from ir_bench.types import Corpus, Sparse

Weights = dict[str, float]


class VectorSource(Protocol):
    """Ids and the weights of their terms, of documents and of queries."""

    def documents(self) -> Iterator[tuple[str, Weights]]: ...
    def queries(self) -> Iterator[tuple[str, Weights]]: ...


@dataclass
class PrecomputedSparse:
    """The vector that `vectors` has for the id of a text.

    A document's id is that of the corpus, whose texts `fit` sees; a query's id that of `texts`, a dataset with the
    queries' texts. Two ids with the same text must have the same vector. `tokenizer` (a folder, a hub id or
    `package:NAME`) only serves explanations, which tell a text's own tokens from those that its vector adds.

    Raises InputError for a text that is not in the corpus or the dataset, a text without a vector, and texts that are
    equal while their vectors are not.
    """

    produces: ClassVar[type] = Sparse

    vectors: VectorSource
    texts: DatasetSource
    tokenizer: str | None = field(default=None, metadata={"changes_results": False})
    _corpus: Corpus | None = field(default=None, init=False, repr=False, compare=False)
    _found: dict[str, dict[bytes, Weights]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _split: Any = field(default=None, init=False, repr=False, compare=False)

    def fit(self, corpus: Corpus) -> None:
        self._corpus = corpus  # read when the first document is asked for
        self._found.pop("document", None)

    def encode_documents(self, texts: Sequence[str]) -> Sparse:
        if self._corpus is None:
            raise InputError("documents without their ids", "a corpus", "call fit(corpus) first")
        if "document" not in self._found:
            corpus = self._corpus
            named = ((document.id, corpus.contents(document)) for document in corpus)
            self._found["document"] = _by_text(named, self.vectors.documents(), "document")
        return Sparse.of([self._of(text, "document") for text in texts])

    def encode_queries(self, texts: Sequence[str]) -> Sparse:
        if "query" not in self._found:
            named = self.texts.load().queries.items()
            self._found["query"] = _by_text(named, self.vectors.queries(), "query")
        return Sparse.of([self._of(text, "query") for text in texts])

    def tokens(self, text: str) -> list[str]:
        """The tokens of a text itself. Raises InputError without a tokenizer."""
        if self.tokenizer is None:
            raise InputError("no tokenizer to tell a text's own tokens", "encoder.tokenizer=…, the one of the model")
        if self._split is None:
            from transformers import AutoTokenizer

            with models.loading(self.tokenizer):
                self._split = AutoTokenizer.from_pretrained(models.locate(self.tokenizer))
        return self._split.tokenize(text, truncation=False)

    def _of(self, text: str, kind: str) -> Weights:
        try:
            return self._found[kind][_digest(text)]
        except KeyError:
            where = "the corpus" if kind == "document" else "the dataset of encoder.texts"
            raise InputError(
                f"no vector for the {kind} {text[:80]!r}",
                f"the text of a {kind} of {where}, whose vector was given",
                "use the collection, the split and the title policy that the vectors were made from",
            ) from None


def _by_text(
    named: Iterable[tuple[str, str]], vectors: Iterable[tuple[str, Weights]], kind: str
) -> dict[bytes, Weights]:
    given = dict(vectors)
    found: dict[bytes, Weights] = {}
    for name, text in named:
        if name not in given:
            raise InputError(
                f"{kind} {name!r} has no vector among the {len(given):,} given",
                f"a vector for each {kind}",
                "use the collection and the split that the vectors were made from",
            )
        if found.setdefault(_digest(text), given[name]) != given[name]:
            raise InputError(
                f"{kind} {name!r} has the text of another {kind}, but another vector",
                "one vector for each text",
                "use the title policy that the vectors were made with",
            )
    return found


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
