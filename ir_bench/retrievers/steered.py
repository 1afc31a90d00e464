"""Search moved towards a term by the latent of a sparse autoencoder that goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.checkpoints import OF_QUERIES
from ir_bench.datasets.term_pairs import SEPARATOR
from ir_bench.encoding import encoded_documents, fit_once, kind_after
from ir_bench.protocols import Coder, Encoder, Index
from ir_bench.retrievers.vector import VectorRetriever
from ir_bench.scoring import require_depth
from ir_bench.store import Store
from ir_bench.transforms.sae_steer import SaeSteer
from ir_bench.types import Corpus, Dense, Queries, Ranking, Run, Sparse, Strings


@dataclass
class Steered:
    """Nearest documents of a query "text TAB term", whose vector is moved along the latent aligned with the term.

    That latent is the one whose weights in the documents' codes have the highest point-biserial correlation with having
    the term (one of those that `words` counts). To its weight in the query's code is added what moves the query by
    `gain` times its own length, as SaeSteer does; the result is as long as the query was. A query finds nothing where
    the correlation is below `alignment`, and without a term it is not moved; documents are not changed.
    Source: O'Neill et al. 2024, Disentangling Dense Embeddings with Sparse Autoencoders (steered search).
    Differs: latents are named by a term of the collection where the paper has a language model name them.
    Raises InputError at construction when a part does not take the kind of vectors it would get.
    """

    encoder: Encoder
    index: Index
    coder: Coder
    words: Encoder
    gain: float = field(default=0.7, metadata=OF_QUERIES)
    alignment: float = field(default=0.5, metadata=OF_QUERIES)
    keep_residual: bool = field(default=True, metadata=OF_QUERIES)
    documents_per_shard: int = field(default=512, metadata={"changes_results": False})
    _first: VectorRetriever = field(init=False, repr=False, compare=False)
    _codes: scipy.sparse.csr_array | None = field(default=None, init=False, repr=False, compare=False)
    _has: scipy.sparse.csc_array | None = field(default=None, init=False, repr=False, compare=False)
    _numbers: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._first = VectorRetriever(self.encoder, self.index, documents_per_shard=self.documents_per_shard)
        kind_after(self.encoder, (self.coder,))

    def build(self, corpus: Corpus, store: Store) -> None:
        self._first.build(corpus, store)
        key, vectors = encoded_documents(self.encoder, corpus, store, self.documents_per_shard)
        with cost.timed("transform_s"):
            fit_once(key, self.coder, vectors, store)
            self._codes = _table(self.coder.encode(vectors))
        _, counts = encoded_documents(self.words, corpus, store, self.documents_per_shard)
        self._has = _table(counts).astype(bool).tocsc()
        self._numbers = {term: number for number, term in enumerate(counts.vocabulary)}

    def search(self, queries: Queries, k: int) -> Run:
        require_depth(k)
        self._first.require_built()
        texts, _, terms = zip(*(text.partition(SEPARATOR) for text in queries.values()), strict=True)
        with cost.timed("encode_queries_s"):
            vectors = self.encoder.encode_queries(list(texts))
        aligned = self._aligned(sorted({term for term in terms if term}))
        values, lost = np.array(vectors.values, np.float32), []
        for i, (query, term) in enumerate(zip(queries, terms, strict=True)):
            if term and term not in aligned:
                lost.append(query)
            elif term:
                latent, reach = aligned[term]
                amount = self.gain * float(np.linalg.norm(vectors.values[i])) / reach
                steer = SaeSteer(self.coder, {latent: amount}, self.keep_residual)
                values[i] = steer.queries(vectors[i : i + 1]).values[0]
        found = self._first.search_vectors(queries, Dense(values), k).rankings
        return Run({**found, **{query: Ranking([], np.zeros(0, np.float32)) for query in lost}})

    def _aligned(self, terms: Sequence[str]) -> dict[str, tuple[str, float]]:
        """Term -> the latent aligned with it, and how far one unit of its weight moves a vector; without terms that
        have none."""
        assert self._codes is not None
        assert self._has is not None
        known = [term for term in terms if term in self._numbers]
        if not known:
            return {}
        correlations = point_biserial(self._has[:, [self._numbers[term] for term in known]], self._codes)
        best = correlations.argmax(axis=1)
        latents = Strings.of(map(str, range(self._codes.shape[1])))
        ones = Sparse(best.astype(np.int32), np.ones(len(known), np.float32), np.arange(len(known) + 1), latents)
        none = Sparse(ones.terms[:0], ones.weights[:0], np.zeros(2, np.int64), latents)
        reach = np.linalg.norm(self.coder.decode(ones).values - self.coder.decode(none).values, axis=1)
        return {
            term: (str(best[i]), float(reach[i]))
            for i, term in enumerate(known)
            if correlations[i, best[i]] >= self.alignment and reach[i] > 0
        }


def point_biserial(has: scipy.sparse.csc_array, weights: scipy.sparse.csr_array) -> NDArray[np.float64]:
    """Correlation [terms, latents] of having a term [documents, terms] with a latent's weight [documents, latents];
    zero where one of them does not vary.

    Source: Lev 1949, The Point Biserial Coefficient of Correlation: Pearson's for a variable of two values.
    """
    n = has.shape[0]
    binary, weights = has.astype(np.float64), weights.astype(np.float64)
    share, mean = (np.asarray(each.sum(axis=0)).ravel() / n for each in (binary, weights))
    square = np.asarray(weights.multiply(weights).sum(axis=0)).ravel() / n
    covariance = (binary.T @ weights).toarray() / n - np.outer(share, mean)
    spread = np.sqrt(np.outer(share * (1 - share), np.maximum(square - mean**2, 0)))
    return np.divide(covariance, spread, out=np.zeros_like(spread), where=spread > 1e-12)


def _table(vectors: Sparse) -> scipy.sparse.csr_array:
    shape = len(vectors), len(vectors.vocabulary)
    return scipy.sparse.csr_array(
        (np.asarray(vectors.weights), np.asarray(vectors.terms), np.asarray(vectors.offsets)), shape
    )
