"""Encode, transform, search an index: dense, sparse and multi-vector retrieval differ only in the parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

from ir_bench import cost
from ir_bench.corpus_ids import document_ids
from ir_bench.encoding import RowFinder, encoded_documents, kind_after, require_followed, transformed_documents
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe
from ir_bench.protocols import Aligning, Counting, Encoder, Explaining, Index, Stored, Tokenizing, Transform
from ir_bench.scoring import require_depth
from ir_bench.store import Store
from ir_bench.types import Alignment, Corpus, Hits, Match, Queries, Run, Strings, Ties


@dataclass
class VectorRetriever:
    """Nearest documents by the vectors of an encoder, changed by transforms, in an index.

    `ties` is the order of documents with equal scores, also at the cut-off: by descending id as trec_eval has it, or
    by ascending id as Lucene has it (see `Run`). Neither depends on the order of the corpus.

    Raises InputError at construction when a part does not take the kind of vectors it would get, and at `build`, before
    anything is encoded, when a transform, or one in the index, was made for the vectors of another model.
    """

    encoder: Encoder
    index: Index
    transforms: Mapping[str, Transform] = field(default_factory=dict)
    ties: Ties = "trec_eval"
    documents_per_shard: int = field(default=4096, metadata={"changes_results": False})
    _ids: Strings | None = field(default=None, init=False, repr=False, compare=False)
    _rows: RowFinder | None = field(default=None, init=False, repr=False, compare=False)
    _documents: Callable[[], Any] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kind_after(self.encoder, (*self.transforms.values(), self.index))

    def build(self, corpus: Corpus, store: Store) -> None:
        require_followed(self.encoder, (*self.transforms.values(), self.index))
        self._ids, self._rows = document_ids(corpus, store), None
        # read again to explain; kept from here, they would count as memory of every search
        self._documents = cache(lambda: self._encoded(corpus, store)[1])
        key, vectors = self._encoded(corpus, store)
        with cost.timed("index_s"):
            self._index(key, vectors, store)

    def search(self, queries: Queries, k: int) -> Run:
        require_depth(k)
        self.require_built()
        with cost.timed("encode_queries_s"):
            vectors = self.encoder.encode_queries(list(queries.values()))
        return self.search_vectors(queries, vectors, k)

    def require_built(self) -> None:
        """Raises InputError before `build`."""
        if self._ids is None:
            raise InputError("search before build", "an indexed corpus", "call build(corpus, store) first")

    def search_vectors(self, queries: Queries, vectors: Any, k: int) -> Run:
        """`search` for queries that the encoder has encoded already."""
        assert self._ids is not None
        with cost.timed("transform_queries_s"):
            for transform in self.transforms.values():
                vectors = transform.queries(vectors)
        with cost.timed("search_s"):
            hits = self.index.search(vectors, k + 1 + k // 16)
            deeper = _whole_ties(self.index, vectors, hits, k)
        with cost.timed("rank_s"):
            rankings = dict(Run.from_hits(queries, hits, self._ids, k, self.ties).rankings)
            for i, query in enumerate(queries):
                if i in deeper:
                    rankings[query] = Run.from_hits([query], deeper[i], self._ids, k, self.ties)[query]
            return Run(rankings)

    def named(self, queries: Queries, hits: Hits, k: int) -> Run:
        """The best k of what the index found, by the names of documents."""
        assert self._ids is not None, "build comes first"
        return Run.from_hits(queries, hits, self._ids, k, self.ties)

    def explain(
        self, query: str, documents: Sequence[str], texts: Mapping[str, str] | None = None
    ) -> dict[str, list[Match]]:
        """Why documents match: what each query term or token adds to their scores, largest first.

        Where the encoder knows a text's own terms and `texts` has those of the documents, matches say which of the two
        texts lack the term and were expanded by it.

        Raises InputError before build, for an index that cannot tell, and for a document that is not in the corpus.
        """
        if self.aligns:
            aligned = self.align(query, documents)
            return {name: sorted(found.matches(), key=lambda match: -match.score) for name, found in aligned.items()}
        if not isinstance(self.index, Explaining):
            raise InputError(
                f"{type(self.index).__name__} cannot tell why a document matches",
                "an index of terms or tokens, for example InvertedIndex",
                "explain another retriever",
            )
        vectors, rows = self._asked(query, documents)
        matches = dict(zip(documents, self.index.explain(vectors, rows), strict=True))
        if texts is None or not isinstance(self.encoder, Tokenizing):
            return matches
        asked = self._own_terms(query)
        return {name: _marked(found, asked, self._own_terms(texts[name])) for name, found in matches.items()}

    def _own_terms(self, text: str) -> set[str]:
        assert isinstance(self.encoder, Tokenizing)
        terms = self.encoder.tokens(text)
        for transform in self.transforms.values():
            if isinstance(transform, Counting):
                terms = transform.terms(terms)
        return set(terms)

    @property
    def aligns(self) -> bool:
        return isinstance(self.index, Aligning)

    def align(self, query: str, documents: Sequence[str]) -> dict[str, Alignment]:
        """The tokens of the query against those of each document, as far as the index compares them.

        Raises InputError before build, for an index without token vectors, and for a document not in the corpus.
        """
        if not isinstance(self.index, Aligning):
            raise InputError(
                f"{type(self.index).__name__} has no tokens to compare",
                "an index of token vectors, for example MaxSimIndex",
                "align another retriever",
            )
        vectors, rows = self._asked(query, documents)
        assert self._documents is not None
        return dict(zip(documents, self.index.align(vectors, rows, self._documents()), strict=True))

    def _asked(self, query: str, documents: Sequence[str]) -> tuple[Any, list[int]]:
        if self._ids is None:
            raise InputError("explain before build", "an indexed corpus", "call build(corpus, store) first")
        if self._rows is None:
            self._rows = RowFinder(self._ids)
        vectors = self.encoder.encode_queries([query])
        for transform in self.transforms.values():
            vectors = transform.queries(vectors)
        return vectors, self._rows(documents).tolist()

    def _encoded(self, corpus: Corpus, store: Store) -> tuple[list[Any], Any]:
        """The transformed vectors of the documents and their key in the store."""
        with cost.timed("encode_documents_s"):
            key, vectors = encoded_documents(self.encoder, corpus, store, self.documents_per_shard)
        with cost.timed("transform_s"):
            return transformed_documents(key, vectors, self.transforms, store, self.documents_per_shard)

    def _index(self, key: list[Any], vectors: Any, store: Store) -> None:
        if not isinstance(self.index, Stored):
            self.index.build(vectors)
            return
        index = self.index

        def make(folder) -> None:
            self.index.build(vectors)
            index.save(folder)

        index.load(store.artefact([*key, describe(self.index, of_documents=True)], make))


def _marked(matches: Sequence[Match], query: Set[str], document: Set[str]) -> list[Match]:
    """The matches of terms with the texts that do not have the term themselves."""
    own = (("query", query), ("document", document))
    return [
        match
        if match.document_term is not None
        else replace(match, added_to=tuple(text for text, has in own if match.term not in has))
        for match in matches
    ]


def _whole_ties(index: Index, queries: Any, hits: Hits, k: int) -> dict[int, Hits]:
    """Deeper hits of the queries whose tie at rank k reaches beyond the end of `hits`: all tied documents must be
    seen before one of them can be left out by its id."""
    deeper: dict[int, Hits] = {}
    width = hits.rows.shape[1]
    if width <= k:
        return deeper
    tied = (hits.rows[:, -1] >= 0) & (hits.scores[:, -1] == hits.scores[:, k - 1])
    for i in np.flatnonzero(tied).tolist():
        depth = 2 * width
        found = index.search(queries[i : i + 1], depth)
        while found.rows.shape[1] == depth and found.rows[0, -1] >= 0 and found.scores[0, -1] == hits.scores[i, k - 1]:
            depth *= 2
            found = index.search(queries[i : i + 1], depth)
        deeper[i] = found
    return deeper
