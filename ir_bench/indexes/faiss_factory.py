"""Approximate nearest neighbours by any index that faiss can make from a factory string."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.scoring import merge, require_depth, require_dims
from ir_bench.types import Dense, Hits

FILE = "index.faiss"
ADDED_AT_ONCE = 65_536
AT_SEARCH = {"changes_documents": False}
TOO_FEW = re.compile(r"Number of training points \((\d+)\) should be at least as large as number of clusters \((\d+)\)")


@dataclass
class FaissFactoryIndex:
    """A faiss index by inner product: graph (`HNSW32,Flat`), inverted lists (`IVF1024,Flat`), codes (`PQ48`), and their
    combinations (`IVF1024,PQ48`, `…,RFlat` to rescore exactly).

    `nprobe`: lists visited (all of them: exact, but for codes). `ef_construction`, `ef_search`: candidates held by a
    graph while it is built and searched. `k_factor`: with `RFlat`, k * k_factor candidates are rescored. `query_bits`:
    bits of a query's numbers for binary codes (`RaBitQ`), up to 8; 0: as they are. None leaves faiss's default. At
    most `training_rows` documents, sampled with `seed`, train what has to be trained.
    Equal scores are ordered by ascending row; which of several tied documents is found is up to faiss. A short list is
    padded with row -1.
    Source: Douze et al. 2024, The Faiss library (arXiv 2401.08281); factory strings as in the faiss wiki.
    Raises InputError for a factory string, or a setting, that faiss does not take for these dims, for too few
    documents to train on, for k below 1, for queries of other dims, and for a search before `build` or `load`.
    """

    accepts: ClassVar[type] = Dense

    factory: str
    nprobe: int | None = field(default=None, metadata=AT_SEARCH)
    ef_construction: int | None = None
    ef_search: int | None = field(default=None, metadata=AT_SEARCH)
    k_factor: float | None = field(default=None, metadata=AT_SEARCH)
    query_bits: int | None = field(default=None, metadata={**AT_SEARCH, "added": None})
    training_rows: int = 262_144
    seed: int = 0
    threads: int | None = field(default=None, metadata={"changes_results": False})
    _index: Any = field(default=None, init=False, repr=False, compare=False)

    def build(self, documents: Dense) -> None:
        import faiss

        values = documents.values
        with self._explained(values), _threads(self.threads):
            index = faiss.index_factory(values.shape[1], self.factory, faiss.METRIC_INNER_PRODUCT)
            self._set(index, efConstruction=self.ef_construction)
            if not index.is_trained:
                _set_clustering(index, self.seed)
                index.train(_float32(values[self._sample(len(values))]))
            for start in range(0, len(values), ADDED_AT_ONCE):
                index.add(_float32(values[start : start + ADDED_AT_ONCE]))
            self._ready(index)

    def save(self, folder: Path) -> None:
        import faiss

        faiss.write_index(self._index, str(folder / FILE))

    def load(self, folder: Path) -> None:
        """Restore a saved index; notes its bytes on disk as `index_bytes`."""
        import faiss

        self._ready(faiss.read_index(str(folder / FILE)))
        cost.note("index_bytes", (folder / FILE).stat().st_size)

    def search(self, queries: Dense, k: int) -> Hits:
        k = self._asked(queries, k)
        with _threads(self.threads), _counted():
            scores, rows = self._index.search(_float32(queries.values), k)
        return _ordered(rows, scores, k)

    def in_two_steps(self, queries: Dense, k: int, share: float) -> tuple[Hits, Callable[[], Hits]]:
        """What the first `share` of the lists to be visited has, at least one, and how to go on: the other lists are
        visited when the second value is called, which returns what `search` does.

        Raises InputError as `search` does, and for an index that does not begin with lists.
        """
        k = self._asked(queries, k)
        index = self._index
        if not _has_lists(index):
            raise InputError(
                f"the index {self.factory!r} has no lists", "inverted lists", "set index.factory=IVF64,Flat"
            )
        values = _float32(queries.values)
        lists = min(index.nprobe, index.nlist)
        first = min(max(1, int(np.ceil(share * lists - 1e-9))), lists)
        with _threads(self.threads):
            distances, visited = index.quantizer.search(values, lists)

        def visit(start: int, stop: int) -> Hits:
            if start == stop:
                return Hits(np.empty((len(values), 0), np.int64), np.empty((len(values), 0), np.float32))
            before, index.nprobe = index.nprobe, stop - start
            try:
                with _threads(self.threads), _counted():
                    scores, rows = index.search_preassigned(values, k, visited[:, start:stop], distances[:, start:stop])
            finally:
                index.nprobe = before
            return _ordered(rows, scores, k)

        begun = visit(0, first)
        return begun, lambda: merge(begun, visit(first, lists), k)

    def _asked(self, queries: Dense, k: int) -> int:
        """How many hits there are at most. Raises InputError for what cannot be searched."""
        require_depth(k)
        if self._index is None:
            raise InputError("search before build", "an index over documents", "call build(vectors) first")
        require_dims(queries, self._index.d)
        return min(k, self._index.ntotal)

    def _sample(self, documents: int) -> NDArray[np.int64]:
        if documents <= self.training_rows:
            return np.arange(documents)
        return np.sort(np.random.default_rng(self.seed).choice(documents, self.training_rows, replace=False))

    def _ready(self, index: Any) -> None:
        self._set(index, nprobe=self.nprobe, efSearch=self.ef_search, k_factor_rf=self.k_factor)
        self._set_query_bits(index)
        self._index = index

    def _set_query_bits(self, index: Any) -> None:
        if self.query_bits is None:
            return
        if not hasattr(inner := _inner(index), "qb"):
            raise self._no_such_setting(f"query_bits={self.query_bits}")
        if self.query_bits not in range(9):
            raise InputError(f"query_bits is {self.query_bits!r}", "0 (numbers as they are) to 8")
        inner.qb = self.query_bits

    def _no_such_setting(self, setting: str) -> InputError:
        return InputError(
            f"{setting} is set, but an index {self.factory!r} has no such setting",
            "nprobe for IVF, ef_construction and ef_search for HNSW, k_factor for RFlat, query_bits for RaBitQ",
            "leave it out or choose another index.factory",
        )

    def _set(self, index: Any, **parameters: float | None) -> None:
        """Set what is not None, under faiss's own parameter names."""
        import faiss

        for name, value in parameters.items():
            if value is None:
                continue
            try:
                faiss.ParameterSpace().set_index_parameter(index, name, value)
            except RuntimeError:
                raise self._no_such_setting(f"{name}={value}") from None

    @contextmanager
    def _explained(self, values: NDArray) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            if few := TOO_FEW.search(str(error)):
                raise InputError(
                    f"the index {self.factory!r} cannot be trained on {few[1]} documents",
                    f"at least {few[2]} (faiss advises 39 times as many)",
                    "choose fewer lists or codes of fewer bits (PQ48x4), or index=flat or hnsw",
                ) from error
            raise InputError(
                f"faiss cannot make an index {self.factory!r} over {len(values)} vectors of {values.shape[1]} "
                f"dimensions: {str(error).strip().split(chr(10))[0]}",
                "a faiss factory string; the number of PQ codes must divide the dimensions",
                "correct index.factory",
            ) from error


def _has_lists(index: Any) -> bool:
    import faiss

    return isinstance(index, faiss.IndexIVF)


def _ordered(rows: NDArray[np.int64], scores: NDArray[np.float32], k: int) -> Hits:
    """Equal scores by ascending row."""
    unordered = Hits(rows.astype(np.int64, copy=False), scores)
    return merge(unordered, Hits(unordered.rows[:, :0], unordered.scores[:, :0]), k)


def _inner(index: Any) -> Any:
    """The index inside rotations and rescoring."""
    import faiss

    while isinstance(index, (faiss.IndexPreTransform, faiss.IndexRefine)):
        index = faiss.downcast_index(index.index if isinstance(index, faiss.IndexPreTransform) else index.base_index)
    return index


def _set_clustering(index: Any, seed: int) -> None:
    """Settings of what is trained, inside wrappers too: a seed for the k-means of lists and codes, none of its advice
    on the number of training points (printed once per quantiser), and no polysemous ordering of codes, which takes
    most of the training time and serves a kind of search that is not offered here."""
    index = _inner(index)
    if hasattr(index, "do_polysemous_training"):
        index.do_polysemous_training = False
    for part in (index, getattr(index, "pq", index)):
        if hasattr(part, "cp"):
            part.cp.seed = seed
            part.cp.min_points_per_centroid = 1


@contextmanager
def _counted() -> Iterator[None]:
    """Note how many documents a search of lists or a graph compared with the queries, as faiss counts them."""
    import faiss

    cvar: Any = faiss.cvar  # made by SWIG: its stub knows no members
    counters = (cvar.indexIVF_stats, cvar.hnsw_stats)
    before = sum(counter.ndis for counter in counters)
    yield
    if compared := sum(counter.ndis for counter in counters) - before:
        cost.note("documents_compared", compared)


def _float32(values: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, np.float32)


@contextmanager
def _threads(threads: int | None) -> Iterator[None]:
    if threads is None:
        yield
        return
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
