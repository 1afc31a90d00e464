"""Exact rescoring of candidates by MaxSim over the stored token vectors of a multi-vector encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.ahead import ask_for
from ir_bench.checkpoints import threads
from ir_bench.corpus_ids import document_ids
from ir_bench.encoding import RowFinder, encoded_documents
from ir_bench.errors import InputError
from ir_bench.kernels.alignment import alignments
from ir_bench.kernels.ball_carving import carved
from ir_bench.kernels.maxsim import finite_blocks, pair_scores, quantised
from ir_bench.protocols import Encoder
from ir_bench.scoring import require_dims, require_finite
from ir_bench.store import Store
from ir_bench.types import Alignment, Corpus, MultiVector, Queries, Run


@dataclass
class MaxSimReranker:
    """Candidates scored by MaxSim in float32: the sum over query tokens of the largest inner product with a document
    token; all other documents are left out, and so are candidates without tokens and queries without tokens.

    The token vectors are those of a `VectorRetriever` with the same encoder settings: encoded once, shared by both,
    memory-mapped, and only the candidates' are read, each once for all queries of a call. `storage`: as the encoder
    stores them (float32 or float16), or int8 with one scale a token, made once and kept beside them, for queries and
    products too. `ball_carving`: query tokens whose inner product with another is at least this are replaced by their
    sum, which makes fewer of them and scores that are never higher; None takes them as they are.
    Notes `documents_scored`, `tokens_scored` (of documents, by pair) and `read_bytes` (each candidate's tokens once).
    Source: Khattab and Zaharia 2020, ColBERT, section 3.5 (re-ranking); Dhulipala et al. 2024, MUVERA, appendix C.3
    (ball carving).
    Raises InputError for an encoder of another kind of vectors, for queries of other dims than the documents, for NaN
    and infinite values, and for a candidate that is not in the corpus.
    """

    encoder: Encoder
    storage: Literal["encoder", "int8"] = "encoder"
    ball_carving: float | None = None
    threads: int = field(default=1, metadata={"changes_results": False})
    documents_per_shard: int = field(default=512, metadata={"changes_results": False})
    _documents: MultiVector | None = field(default=None, init=False, repr=False, compare=False)
    _scales: NDArray[np.float32] | None = field(default=None, init=False, repr=False, compare=False)
    _rows: RowFinder | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.encoder.produces is not MultiVector:
            raise InputError(
                f"MaxSimReranker takes MultiVector vectors, but {type(self.encoder).__name__} gives "
                f"{self.encoder.produces.__name__}",
                "an encoder of MultiVector vectors",
                "choose another encoder=… or reranker=…",
            )
        if self.storage not in ("encoder", "int8"):
            raise InputError(f"token vectors stored as {self.storage!r}", "storage=encoder or int8")

    def build(self, corpus: Corpus, store: Store) -> None:
        with cost.timed("encode_documents_s"):
            key, documents = encoded_documents(self.encoder, corpus, store, self.documents_per_shard)
        self._documents, self._scales = documents, None
        if self.storage == "int8":
            folder = store.artefact([*key, "int8"], lambda folder: _write_int8(documents, folder))
            values, self._scales = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("values", "scales"))
            self._documents = MultiVector(values, documents.offsets, documents.tokens, documents.vocabulary)
        self._rows = RowFinder(document_ids(corpus, store))
        cost.note("token_bytes", self._documents.values.nbytes + (0 if self._scales is None else self._scales.nbytes))

    def rerank(self, queries: Queries, candidates: Run) -> Run:
        with cost.timed("encode_queries_s"):
            vectors = self.encoder.encode_queries(list(queries.values()))
        return self.rescore(queries, vectors, candidates)

    def rescore(self, queries: Queries, vectors: MultiVector, candidates: Run) -> Run:
        """The same for queries that are encoded already."""
        if self._documents is None or self._rows is None:
            raise InputError("rerank before build", "an encoded corpus", "call build(corpus, store) first")
        require_dims(vectors, self._documents.values.shape[1])
        require_finite(vectors.values, "a vector of query", vectors.offsets)
        with cost.timed("rerank_s"):
            if self.ball_carving is not None:
                vectors = carved(vectors, self.ball_carving)
            names = [candidates[query].documents if query in candidates.rankings else () for query in queries]
            rows = self._rows([name for some in names for name in some])
            asked = np.repeat(np.arange(len(names)), [len(some) for some in names])
            with threads(self.threads):
                scores = pair_scores(vectors, self._documents, asked, rows, self._scales, self.threads)
            if np.isnan(scores).any():
                raise InputError(
                    f"a vector of document {int(rows[np.isnan(scores)][0])} has NaN or infinite values",
                    "finite numbers",
                    "check the encoder and its number format (float16 overflows)",
                )
            self._note(rows)
            values, scored = iter(scores.tolist()), {}
            for query, some in zip(queries, names, strict=True):
                scored[query] = {name: score for name, score in zip(some, values, strict=False) if score != -np.inf}
            return Run.of(scored)

    @property
    def aligns(self) -> bool:
        return True

    def align(self, query: str, documents: Sequence[str]) -> dict[str, Alignment]:
        """Every token of a query against every token of each document; the largest of each query token add up to the
        score. Raises InputError as `rescore` does."""
        vectors = self.encoder.encode_queries([query])
        require_finite(vectors.values, "a vector of query", vectors.offsets)
        rows = self.rows(documents).tolist()
        assert self._documents is not None
        if self.ball_carving is not None:
            vectors = carved(vectors, self.ball_carving)
        return dict(zip(documents, alignments(vectors, self._documents, rows, self._scales), strict=True))

    def rows(self, documents: Sequence[str]) -> NDArray[np.int64]:
        """The rows of some documents. Raises InputError before build, and for one that is not in the corpus."""
        if self._rows is None:
            raise InputError("rerank before build", "an encoded corpus", "call build(corpus, store) first")
        return self._rows(documents)

    @property
    def offset_bytes(self) -> int:
        """What tells where each document's tokens are, which a search keeps in memory."""
        return 0 if self._documents is None else self._documents.offsets.nbytes

    def prefetch(self, rows: Sequence[NDArray[np.int64]], name: str) -> None:
        """Asks the operating system to read the token vectors of some rows for each query; notes `{name}_bytes` and
        `{name}_blocks`, summed over queries."""
        assert self._documents is not None, "build comes first"
        values, offsets = self._documents.values, self._documents.offsets
        each = values.itemsize * values.shape[1]
        for some in rows:
            starts, stops = offsets[some].tolist(), offsets[some + 1].tolist()
            blocks = sum(ask_for(values, a, b) for a, b in zip(starts, stops, strict=True))
            cost.note(f"{name}_bytes", (sum(stops) - sum(starts)) * each)
            cost.note(f"{name}_blocks", blocks)

    def _note(self, rows: NDArray[np.int64]) -> None:
        assert self._documents is not None
        lengths = np.diff(self._documents.offsets)
        each = self._documents.values.itemsize * self._documents.values.shape[1] + (0 if self._scales is None else 4)
        cost.note("documents_scored", len(rows))
        cost.note("tokens_scored", int(lengths[rows].sum()))
        cost.note("read_bytes", int(lengths[np.unique(rows)].sum()) * each)


def _write_int8(documents: MultiVector, folder: Path) -> None:
    shape = documents.values.shape
    if 0 in shape:  # an empty file cannot be memory-mapped for writing
        np.save(folder / "values.npy", np.zeros(shape, np.int8))
        np.save(folder / "scales.npy", np.zeros(shape[0], np.float32))
        return
    values = np.lib.format.open_memmap(folder / "values.npy", "w+", np.int8, shape)
    scales = np.lib.format.open_memmap(folder / "scales.npy", "w+", np.float32, shape[:1])
    for span, vectors in finite_blocks(documents, np.float32):
        values[span], scales[span] = quantised(vectors)
    values.flush()
    scales.flush()
