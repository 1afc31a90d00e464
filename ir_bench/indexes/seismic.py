"""Approximate search of sparse vectors by clustered postings lists with summaries: Seismic, through pyseismic-lsr."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import operator
import os
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels.queries import numbers_in, renumber
from ir_bench.kernels.winners import ranked
from ir_bench.scoring import require_depth, require_finite
from ir_bench.shards import write_arrays
from ir_bench.types import Hits, Sparse, Strings

FILE = "index"  # Seismic adds .index.seismic
SCORE, ROW = operator.itemgetter(1), operator.itemgetter(2)  # of a hit
NARROW = 1 << 16  # terms up to which the library numbers them in two bytes
AT_SEARCH = {"changes_documents": False}
GRAPH = "graph"  # Seismic adds .knn.seismic
AROUND = 49  # bytes of a graph's file beside its words of eight bytes, in which the neighbours' numbers are packed


@dataclass(frozen=True)
class SavedGraph:
    """The file of neighbours that `SeismicIndex.save_graph` or the library's `save_knn` wrote; None: there is none.

    Its identity is what the file holds. Raises InputError where the file is missing.
    """

    file: str | None = field(default=None, metadata={"changes_results": False})  # provenance() tells the content

    def provenance(self) -> Mapping[str, object]:
        with self.path().open("rb") as stream:
            return {"neighbours": hashlib.file_digest(stream, "sha256").hexdigest()}

    def path(self) -> Path:
        path = Path(self.file or "").expanduser()
        if not path.is_file():
            raise InputError(
                f"there is no file of neighbours {path}", "what SeismicIndex.save_graph wrote", "set index.graph.file"
            )
        return path


@dataclass
class SeismicIndex:
    """Documents whose blocks promise a high inner product, scored exactly from their whole vectors.

    Building: each term keeps the documents that weigh it most, `postings` on average and never more than
    `max_fraction` times that; a list is cut into blocks around random documents (`centroid_fraction` of its length, of
    more than `min_cluster_size` documents), compared by their `document_cut` heaviest terms; a block's summary holds
    the largest weight of each term, of those the heaviest with `summary_energy` of the sum. `neighbours` of each
    document are kept, when above 0: those that the index finds by the document's ten heaviest terms with
    heap_factor=0.7, or the first ones of `graph`.
    Searching: the lists of the query's `query_cut` heaviest terms (None: all), without the blocks whose summary gives
    less than `heap_factor` times the k-th best score so far. `first_sorted` visits the blocks of the heaviest term
    best first. The nearest `search_neighbours` of each of the k documents found are scored too: no score at any rank
    falls. For SPLADE-v3's NFCorpus ten of them raise the share of the exact ten best from 0.822 to 0.856 with
    query_cut=2, and from 0.980 to 0.983 with 10.

    Exact for weights that float16 holds, with postings at least the number of documents, max_fraction at least the
    number of terms, query_cut=None and heap_factor=0, whatever the other settings.
    summary_energy=1 with heap_factor=1 is not: the library rounds a summary to the nearest of 256 equal steps from its
    least weight to its largest, and one that was rounded down can lose a document, whose score is above that of the
    last one found by at most sum_t q_t * (largest - least) / 510. Where the weights are such steps nothing is lost;
    nor was anything of NFCorpus's exact 1, 10, 100 and 1000 best.
    Source: Bruch, Nardini, Rulli and Venturini 2024, Efficient Inverted Indexes for Approximate Retrieval over Learned
    Sparse Representations; https://github.com/TusKANNy/seismic.
    Differs: weights are kept in half precision, so scores may be off by 0.05 %; equal scores at the cut-off are kept as
    the library meets them. It counts no work. Documents without terms are never found. The library's batched_indexing
    is no setting: it takes and ignores it (0.5.4).
    Raises InputError where the package is missing, for negative, NaN or infinite weights (summaries bound positive
    ones alone), for weights beyond 65,504, for a document of which fewer than `neighbours` others are found (the
    library would take others' neighbours for its own, and read beyond their end), for a graph of other documents or
    with fewer neighbours, for more search_neighbours than are kept, and for a search before build or load.
    """

    accepts: ClassVar[type] = Sparse

    postings: int = 3500
    centroid_fraction: float = 0.1
    min_cluster_size: int = 2
    summary_energy: float = 0.4
    max_fraction: float = 1.5
    document_cut: int = 15
    neighbours: int = 0
    graph: SavedGraph = field(default=SavedGraph(), metadata={"added": SavedGraph()})
    query_cut: int | None = field(default=10, metadata=AT_SEARCH)
    heap_factor: float = field(default=0.8, metadata=AT_SEARCH)
    search_neighbours: int = field(default=0, metadata=AT_SEARCH)
    first_sorted: bool = field(default=True, metadata=AT_SEARCH)
    threads: int = field(default=1, metadata={"changes_results": False})
    _index: Any = field(default=None, init=False, repr=False, compare=False)
    _vocabulary: Strings | None = field(default=None, init=False, repr=False, compare=False)
    _numbers: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)
    _names: Any = field(default=None, init=False, repr=False, compare=False)  # the numbers as the library writes them
    _documents: int = field(default=0, init=False, repr=False, compare=False)

    def build(self, documents: Sparse) -> None:
        library = _library()
        require_finite(documents.weights[:, None], "the vector of document", documents.offsets)
        if len(documents.weights) and (documents.weights.min() < 0 or documents.weights.max() > 65_504):
            raise InputError(
                f"document weights from {documents.weights.min():g} to {documents.weights.max():g}",
                "0 to 65,504: Seismic bounds sums of positive weights, and keeps them in half precision",
                "use index=inverted, or scale the weights",
            )
        terms, weights, offsets = _ascending(documents)
        wide = len(documents.vocabulary) > NARROW
        with _quiet():
            data = (library.SeismicDatasetLV if wide else library.SeismicDataset)()
            data.add_documents_by_id([str(row) for row in range(len(documents))], terms, weights, offsets)
            self._index = (library.SeismicIndexLV if wide else library.SeismicIndex).build_from_dataset(
                data,
                n_postings=self.postings,
                centroid_fraction=self.centroid_fraction,
                min_cluster_size=self.min_cluster_size,
                summary_energy=self.summary_energy,
                max_fraction=self.max_fraction,
                doc_cut=self.document_cut,
                nknn=0 if self.graph.file else self.neighbours,
                num_threads=self.threads,
            )
        self._keep_neighbours(int(np.count_nonzero(np.diff(offsets))))
        self._vocabulary, self._numbers, self._names = documents.vocabulary, {}, None
        self._documents = len(documents)

    def save(self, folder: Path) -> None:
        with _quiet():
            self._built().save(str(folder / FILE))
        assert self._vocabulary is not None  # set with the index
        size = np.array(self._documents)
        write_arrays(folder, {"data": self._vocabulary.data, "bounds": self._vocabulary.bounds, "size": size})

    def load(self, folder: Path) -> None:
        library, arrays = _library(), {name: np.load(folder / f"{name}.npy") for name in ("data", "bounds", "size")}
        self._vocabulary, self._numbers, self._names = Strings(arrays["data"], arrays["bounds"]), {}, None
        self._documents = int(arrays["size"])
        kind = library.SeismicIndexLV if len(self._vocabulary) > NARROW else library.SeismicIndex
        (path,) = folder.glob(f"{FILE}.*")
        with _quiet():
            self._index = kind.load(str(path))
        cost.note("index_bytes", sum(path.stat().st_size for path in folder.iterdir()))

    def save_graph(self, file: Path) -> None:
        """Write the neighbours of each document, for `graph` of an index with other settings.

        Raises InputError for an index that keeps none.
        """
        if not self._built().knn_len:
            raise InputError("the index keeps no neighbours", "neighbours above 0 when it is built", "set neighbours")
        with tempfile.TemporaryDirectory() as folder, _quiet():
            self._index.save_knn(str(Path(folder) / GRAPH))
            shutil.move(next(Path(folder).iterdir()), file)

    def _keep_neighbours(self, documents: int) -> None:
        """Take those of the graph's file, or check those that were found, for so many documents with terms."""
        if self.graph.file:
            kept = _neighbours(self.graph.path(), documents)
            if not 0 < self.neighbours <= kept:
                raise InputError(
                    f"neighbours={self.neighbours}, but {self.graph.file} has {kept} of each document",
                    f"1 to {kept}",
                    "set neighbours to so many of them as are to be kept, or make a graph with more",
                )
            with _quiet():
                self._index.load_knn(str(self.graph.path()), self.neighbours)
        elif self.neighbours:
            with tempfile.TemporaryDirectory() as folder:
                self.save_graph(Path(folder) / GRAPH)
                _neighbours(Path(folder) / GRAPH, documents)

    def search(self, queries: Sparse, k: int) -> Hits:
        require_depth(k)
        index = self._built()
        if self.search_neighbours and self.search_neighbours > index.knn_len:
            raise InputError(
                f"search_neighbours={self.search_neighbours}, but the index keeps {index.knn_len} neighbours",
                "no more than it keeps",
                f"build it with neighbours={self.search_neighbours}, or lower search_neighbours",
            )
        if not np.isfinite(queries.weights).all() or (len(queries.weights) and queries.weights.min() < 0):
            raise InputError(
                "query vectors have negative, NaN or infinite weights", "numbers from 0", "check the encoder"
            )
        k = min(k, self._documents)
        terms, weights, offsets = self._numbered(queries)
        names = self._written(max(len(queries), len(self._vocabulary or ())))
        # as bytes: NumPy copies strings one by one
        text = names.view(f"V{names.itemsize}").take(terms, mode="clip").view(names.dtype)
        spans = [slice(a, b) for a, b in itertools.pairwise(offsets.tolist())]
        asked = np.flatnonzero(np.diff(offsets)) if index.len else np.zeros(0, np.int64)
        found = index.batch_search(
            names[: len(asked)],
            [text[spans[i]] for i in asked.tolist()],
            [weights[spans[i]] for i in asked.tolist()],
            k=k,
            query_cut=self.query_cut or max(1, int(np.diff(offsets).max(initial=1))),
            heap_factor=self.heap_factor,
            n_knn=self.search_neighbours,
            sorted=self.first_sorted,
            num_threads=self.threads,
        )
        rows = np.full((len(queries), k), -1, np.int64)
        scores = np.full((len(queries), k), -np.inf, np.float32)
        found = [hits for hits in found if hits]  # queries in any order, each hit with its query's name
        flat = list(itertools.chain.from_iterable(found))
        own = np.fromstring(" ".join(map(ROW, flat)), np.int64, sep=" ")  # three times as fast as int of each
        got = np.fromiter(map(SCORE, flat), np.float32, len(flat))
        queried = asked[np.array([int(hits[0][0]) for hits in found], np.int64)]
        ranked(queried, np.array([len(hits) for hits in found], np.int64), own, got, rows, scores)
        return Hits(rows, scores)

    def _numbered(self, queries: Sparse) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
        """Terms, weights and offsets in the index's numbers, without unknown terms and zero weights."""
        assert self._vocabulary is not None  # set with the index
        table = numbers_in(self._vocabulary, queries.vocabulary, self._numbers)
        everywhere = np.arange(len(self._vocabulary) + 1)
        arrays = (np.asarray(queries.terms), np.asarray(queries.weights), np.asarray(queries.offsets))
        terms, weights, offsets = renumber(*arrays, table, len(table) > 0, everywhere)
        return terms, weights.astype(np.float32), offsets

    def _written(self, size: int) -> NDArray[np.str_]:
        """The whole numbers below `size`, at the least, as the library writes them; each is made once."""
        if self._names is None or len(self._names) < size:
            self._names = np.arange(size).astype(_library().get_seismic_string())
        return self._names

    def _built(self) -> Any:
        if self._index is None:
            raise InputError("search before build", "an index of documents", "call build or load first")
        return self._index


def _library() -> Any:
    try:
        import seismic
    except ImportError:
        raise InputError(
            "pyseismic-lsr is not installed", "the package pyseismic-lsr", 'pip install "ir-bench[sparse]"'
        ) from None
    return seismic


def _neighbours(file: Path, documents: int) -> int:
    """How many neighbours of each document a graph's file holds.

    The library asks for none of this, and reads memory that is not the graph's where it does not hold. Raises
    InputError for another kind of file, a graph of another number of documents, and one with gaps.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        known, each, words = struct.unpack("<3Q", stream.read(24)) if size >= AROUND else (0, 0, 0)
        stream.seek(max(0, size - 8))
        last = stream.read()
    if size != AROUND + 8 * words:
        raise InputError(f"{file} does not hold neighbours as Seismic 0.5 writes them", "what save_graph wrote")
    if known != documents:
        raise InputError(
            f"{file} holds the neighbours of {known} documents, but {documents} documents have terms",
            "a graph of the same documents in the same order",
            "make it again: build with neighbours above 0, then save_graph",
        )
    (entries,) = struct.unpack("<Q", last)
    if entries != documents * each:
        raise InputError(
            f"{documents} documents have {entries} neighbours together: fewer than {each} others are found of some",
            f"{each} neighbours of each, {documents * each}: documents that share heavy terms with so many others",
            "lower neighbours, or set it to 0",
        )
    return each


def _ascending(documents: Sparse) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Terms of each document in ascending order, without zero weights. Raises InputError for a term named twice."""
    rows = np.repeat(np.arange(len(documents)), np.diff(documents.offsets))
    kept = np.flatnonzero(documents.weights != 0)
    order = kept[np.lexsort((documents.terms[kept], rows[kept]))]
    terms, rows = documents.terms[order].astype(np.int64), rows[order]
    twice = np.flatnonzero((terms[1:] == terms[:-1]) & (rows[1:] == rows[:-1]))
    if len(twice):
        raise InputError(f"document {rows[twice[0]]} names a term twice", "each term once, with its whole weight")
    offsets = np.searchsorted(rows, np.arange(len(documents) + 1)).astype(np.int64)
    return terms, np.asarray(documents.weights[order], np.float32), offsets


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What the library prints about its progress goes nowhere; it writes to the process's own output."""
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as nowhere:
        own = [(number, os.dup(number)) for number in (1, 2)]
        try:
            for number, _ in own:
                os.dup2(nowhere.fileno(), number)
            yield
        finally:
            for number, copy in own:
                os.dup2(copy, number)
                os.close(copy)
