"""Feedback by Anserini: the query is rewritten from the documents it finds and asked again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ir_bench.errors import InputError
from ir_bench.lucene import start

RM3_CUTOFF = 50  # Anserini hands RM3 no more documents than these


@dataclass(frozen=True)
class Rm3:
    """The query mixed with the most likely terms of the best documents. Raises InputError for more than 50 of them.

    Source: Abdul-Jaleel et al., UMass at TREC 2004: Novelty and HARD, 2004; Anserini's Rm3Reranker and its defaults.
    """

    terms: int = 10
    documents: int = 10
    original_weight: float = 0.5

    def __post_init__(self) -> None:
        if not 1 <= self.documents <= RM3_CUTOFF:
            raise InputError(
                f"RM3 from {self.documents} documents", f"1 to {RM3_CUTOFF}, Anserini's limit", "set documents=10, say"
            )

    def apply(self, searcher: Any, folder: str) -> None:
        """Put the feedback into Anserini's searcher of the index in `folder`."""
        searcher.set_rm3(self.terms, self.documents, self.original_weight)


@dataclass(frozen=True)
class Rocchio:
    """The query moved towards the mean of the best documents, and from that of the worst if `negative`.

    The worst documents are the last of those found, so with `negative` the number of hits matters, as in Pyserini.

    Source: Rocchio, Relevance Feedback in Information Retrieval, 1971; Anserini's RocchioReranker and its defaults.
    """

    terms: int = 10
    documents: int = 10
    alpha: float = 1.0
    beta: float = 0.75
    gamma: float = 0.15
    negative: bool = False

    def apply(self, searcher: Any, folder: str) -> None:
        both = (self.terms, self.documents, self.terms, self.documents)
        searcher.set_rocchio(None, *both, self.alpha, self.beta, self.gamma, False, self.negative)


@dataclass(frozen=True)
class Axiomatic:
    """The query replaced by the `terms` terms that share most information with its own.

    Mutual information is taken over a pool of `documents` · `pool` documents: the best `documents`, filled up with
    documents drawn at random (Java's generator, from `seed`, over the ids in order). A query term weighs its idf, the
    logarithm of (size of the collection + 1) / (documents with it) rounded down; another term the share of the query
    term's information that it holds, times that idf, times `beta`. Only terms of two and more letters a to z; of the
    terms in the pool at most half, and at most 1000, are kept for each query term.

    Raises InputError for settings and collections that leave nothing to compare.

    Source: Fang and Zhai, Semantic Term Matching in Axiomatic Approaches to Information Retrieval, SIGIR 2006;
    Anserini's AxiomReranker and its defaults, deterministic, rerankCutoff = `documents`.
    Differs: a collection no larger than the pool is the pool; Anserini would never return.
    """

    terms: int = 20
    documents: int = 20
    pool: int = 30
    beta: float = 0.4
    seed: int = 42

    def __post_init__(self) -> None:
        if self.terms < 1 or self.documents < 1 or self.pool < 2:
            raise InputError(
                f"terms={self.terms}, documents={self.documents}, pool={self.pool}",
                "at least one term and document, and a pool of at least two times the documents",
                "set terms=20, documents=20 and pool=30, say",
            )

    def apply(self, searcher: Any, folder: str) -> None:
        """Put the feedback into Anserini's searcher of the index in `folder`."""
        size = searcher.get_total_num_docs()
        if size < 2:
            raise InputError("A collection of one document", "two to compare", "search without axiomatic feedback")
        best, pool = (self.documents, self.pool) if size > self.documents * self.pool else (1, size)
        reranker = start()("io.anserini.rerank.lib.AxiomReranker")

        def make(deterministic: bool) -> Any:
            numbers = (self.seed, best, pool, self.beta, self.terms)
            return reranker(None, None, folder, None, "contents", deterministic, *numbers, None, False, False)

        make(False)  # Anserini keeps one collection's ids for the whole process; this makes it forget them
        searcher.cascade.rerankers.add(0, make(True))


Feedback = Rm3 | Rocchio | Axiomatic
