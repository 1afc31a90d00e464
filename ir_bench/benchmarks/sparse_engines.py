"""The engines that the benchmark of sparse vectors compares. A folder holds `documents` and `queries` as arrays; each
engine builds in a process of its own and leaves its index there, and all search in one process, taking turns, for the
same queries in the documents' term numbers."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Mapping
from copy import copy
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ir_bench.benchmarks.bm25_engines import clocked, in_numbers_of, use_one_core
from ir_bench.indexes.block_max import BlockMaxIndex
from ir_bench.indexes.inverted import InvertedIndex
from ir_bench.indexes.lucene_impact import LuceneImpactIndex
from ir_bench.indexes.seismic import SeismicIndex
from ir_bench.lucene import start
from ir_bench.memory import peak_memory
from ir_bench.shards import read
from ir_bench.similarities.dot import Dot
from ir_bench.types import Hits, Sparse

DEPTHS = (10, 1000)
SOME = 32  # queries asked of a peer that is slow, and multiplied at once by scipy
SLOW = 20_000  # documents from which on the slow peers get SOME queries
CURVE = [(cut, factor) for cut in (4, 8, 16, 32) for factor in (0.9, 0.7)]  # query_cut and heap_factor
TENSOR_BYTES = 120  # for each weight that sentence-transformers' search takes at its peak (3.2 GB for 27 million)
Row = dict[str, Any]
Engine = Callable[[int], Any]


def build_ours(folder: Path, threads: int) -> Row:
    return _built(folder, InvertedIndex(Dot()), "ours")


def build_block_max(folder: Path, threads: int) -> Row:
    return _built(folder, BlockMaxIndex(), "block-max")


def build_seismic(folder: Path, threads: int) -> Row:
    return _built(folder, SeismicIndex(threads=threads), "seismic")


def build_lucene(folder: Path, threads: int) -> Row:
    return _built(folder, LuceneImpactIndex(), "lucene")


def build_scipy(folder: Path, threads: int) -> Row:
    """Terms by documents, as a product with queries needs it."""
    documents = read(Sparse, folder / "documents")
    with peak_memory() as peak:
        seconds, matrix = clocked(lambda: _matrix(documents).T.tocsr())
    np.savez(folder / "scipy.npz", data=matrix.data, indices=matrix.indices, indptr=matrix.indptr)
    held = matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes
    return {"index_s": seconds, "index_bytes": held, "peak_bytes": peak["bytes"]}


def _built(folder: Path, index: Any, name: str) -> Row:
    documents = read(Sparse, folder / "documents")
    copy(index).build(documents[:50])  # compiled, or its Java started, before the clock starts
    with peak_memory() as peak:
        seconds, _ = clocked(lambda: index.build(documents))
    (folder / name).mkdir()
    index.save(folder / name)
    held = sum(path.stat().st_size for path in (folder / name).rglob("*") if path.is_file())
    return {"index_s": seconds, "index_bytes": held, "peak_bytes": peak["bytes"]}


def search(folder: Path, repeats: int, threads: int, peers: tuple[str, ...]) -> Row:
    """Queries per second of every engine by depth, whether scores agree, and the curve of the approximate engine."""
    if threads == 1:
        use_one_core()
    documents = read(Sparse, folder / "documents")
    queries = in_numbers_of(documents.vocabulary, read(Sparse, folder / "queries"))
    ours = InvertedIndex(Dot(), threads=threads)
    ours.load(folder / "ours")
    few = queries[: SOME if len(documents) > SLOW else len(queries)]
    asked: dict[str, tuple[Sparse, Engine]] = {"ours": (queries, lambda k: ours.search(queries, k))}
    pruned = BlockMaxIndex(threads=threads)
    pruned.load(folder / "block-max")
    asked["block-max"] = (queries, lambda k: pruned.search(queries, k))
    scores: dict[str, Callable[[int], NDArray[np.float32]]] = {"block-max": lambda k: pruned.search(queries, k).scores}
    if "scipy" in peers and threads == 1:  # its product has no threads
        product = _product(folder, documents, few)
        asked["scipy"], scores["scipy"] = (few, product), lambda k: product(k).scores
    if "sentence-transformers" in peers and TENSOR_BYTES * len(documents.terms) < memory() / 2:
        semantic = _semantic(documents, few, threads)
        asked["sentence-transformers"], scores["sentence-transformers"] = (few, semantic), lambda k: _of(semantic(k), k)
    if "lucene" in peers:
        lucene = LuceneImpactIndex(threads=threads)
        lucene.load(folder / "lucene")
        asked["lucene"] = (few, _lucene(folder, few, threads))
        scores["lucene"] = lambda k: lucene.search(few, k).scores
    exact = {k: ours.search(queries, k).scores for k in DEPTHS}
    rates: dict[str, dict[int, float]] = {name: {} for name in asked}
    for k in DEPTHS:
        for name, seconds in _take_turns({name: engine for name, (_, engine) in asked.items()}, k, repeats).items():
            rates[name][k] = len(asked[name][0]) / seconds
    checks = {name: _agreement(exact[10], given(10)) for name, given in scores.items()}
    curve = _curve(folder, queries, exact[10], repeats, threads) if "seismic" in peers else []
    return {"rates": rates, "checks": checks, "curve": curve}


def _matrix(vectors: Sparse, terms: int | None = None) -> Any:
    from scipy.sparse import csr_matrix

    arrays = (np.asarray(vectors.weights), np.asarray(vectors.terms), np.asarray(vectors.offsets))
    return csr_matrix(arrays, shape=(len(vectors), terms or len(vectors.vocabulary)))


def _product(folder: Path, documents: Sparse, queries: Sparse) -> Callable[[int], Hits]:
    """Queries times documents, both as CSR, in blocks; of each row the k largest by partition."""
    from scipy.sparse import csr_matrix

    shape = (len(documents.vocabulary), len(documents))
    saved = np.load(folder / "scipy.npz")
    by_term = csr_matrix((saved["data"], saved["indices"], saved["indptr"]), shape=shape)
    wanted = _matrix(queries, shape[0])

    def answer(k: int) -> Hits:
        rows = np.full((len(queries), k), -1, np.int64)
        scores = np.full((len(queries), k), -np.inf, np.float32)
        for begin in range(0, len(queries), SOME):
            block = wanted[begin : begin + SOME] @ by_term
            for i in range(block.shape[0]):
                span = slice(block.indptr[i], block.indptr[i + 1])
                values, places = block.data[span], block.indices[span]
                if len(values) > k:
                    best = np.argpartition(values, len(values) - k)[len(values) - k :]
                    values, places = values[best], places[best]
                order = np.argsort(-values)
                rows[begin + i, : len(order)], scores[begin + i, : len(order)] = places[order], values[order]
        return Hits(rows, scores)

    return answer


def _semantic(documents: Sparse, queries: Sparse, threads: int) -> Engine:
    """sentence-transformers' own search of sparse tensors."""
    import torch
    from sentence_transformers.util import dot_score, semantic_search

    torch.set_num_threads(threads)

    def tensor(vectors: Sparse) -> Any:
        # in order, or torch sorts the pairs itself, at twice the memory
        matrix = _matrix(vectors, len(documents.vocabulary)).sorted_indices()
        rows = np.repeat(np.arange(len(vectors)), np.diff(matrix.indptr))
        places = torch.from_numpy(np.stack([rows, matrix.indices.astype(np.int64)]))
        weights = torch.from_numpy(matrix.data)
        return torch.sparse_coo_tensor(places, weights, matrix.shape, check_invariants=False, is_coalesced=True)

    corpus, wanted = tensor(documents), tensor(queries)
    return lambda k: semantic_search(wanted, corpus, top_k=k, score_function=dot_score)


def _of(found: list[list[Mapping[str, Any]]], k: int) -> NDArray[np.float32]:
    return np.array([[hit["score"] for hit in hits] + [-np.inf] * (k - len(hits)) for hits in found], np.float32)


def _lucene(folder: Path, queries: Sparse, threads: int) -> Engine:
    """Anserini's searcher called directly: its queries are made before the clock starts, its hits stay in Java."""
    java = start()
    searcher = java("io.anserini.search.SimpleImpactSearcher")(str((folder / "lucene" / "lucene").resolve()))
    asked, integer = java("java.util.ArrayList")(), java("java.lang.Integer")
    names = java("java.util.ArrayList")()
    for i in range(len(queries)):
        query, span = java("java.util.HashMap")(), slice(queries.offsets[i], queries.offsets[i + 1])
        for term, weight in zip(queries.terms[span].tolist(), queries.weights[span].tolist(), strict=True):
            query.put(str(term), integer(round(weight)))
        asked.add(query)
        names.add(str(i))
    if threads > 1:
        return lambda k: searcher.batch_search(asked, names, k, threads)
    each = [asked.get(i) for i in range(len(queries))]
    return lambda k: [searcher.search(query, k) for query in each]


def _seismic(folder: Path, queries: Sparse, threads: int) -> Callable[[int, float], Any]:
    """The library called directly, with the terms of queries as it wants them before the clock starts."""
    import seismic

    index = seismic.SeismicIndex.load(str(next((folder / "seismic").glob("index.*"))))
    text = seismic.get_seismic_string()
    spans = [slice(a, b) for a, b in itertools.pairwise(queries.offsets.tolist())]
    names = np.arange(len(queries)).astype(text)
    terms = [queries.terms[span].astype(text) for span in spans]
    weights = [queries.weights[span] for span in spans]
    return lambda cut, factor: index.batch_search(names, terms, weights, 10, cut, factor, num_threads=threads)


def _take_turns(engines: Mapping[str, Engine], k: int, repeats: int) -> dict[str, float]:
    """Median seconds: each engine in turn, once to warm the caches, then by the clock. A slow one has fewer turns."""
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for turn in range(repeats):
        for name, work in engines.items():
            if turn and sum(seconds[name]) > 60:
                continue
            if not turn or seconds[name][-1] < 5:
                work(k)
            start = time.perf_counter()
            work(k)
            seconds[name].append(time.perf_counter() - start)
    return {name: median(times) for name, times in seconds.items()}


def _agreement(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> str:
    ours = ours[: len(theirs)]
    width = min(ours.shape[1], theirs.shape[1])
    ours, theirs = (np.where(np.isfinite(part), part, 0)[:, :width] for part in (ours, theirs))
    close = np.isclose(ours, theirs, rtol=1e-4, atol=1e-6)
    return f"{ours.size:,} scores equal to 1e-4" if close.all() else f"{np.count_nonzero(~close):,} scores differ"


def _curve(folder: Path, queries: Sparse, exact: NDArray[np.float32], repeats: int, threads: int) -> list[Row]:
    """Accuracy among the best 10 and queries per second of Seismic by our index, and by the library called directly."""
    index, rows = SeismicIndex(threads=threads), []
    index.load(folder / "seismic")
    direct = _seismic(folder, queries, threads)
    for cut, factor in CURVE:
        index.query_cut, index.heap_factor = cut, factor
        engines: dict[str, Engine] = {
            "ours": lambda k: index.search(queries, k),
            "direct": lambda k: direct(cut, factor),  # noqa: B023
        }
        seconds = _take_turns(engines, 10, repeats)
        theirs = np.full(exact.shape, -np.inf, np.float32)
        for hits in filter(None, direct(cut, factor)):
            theirs[int(hits[0][0]), : len(hits)] = [hit[1] for hit in hits]
        rows.append(
            {
                "query_cut": cut,
                "heap_factor": factor,
                "accuracy": _accuracy(index.search(queries, 10).scores, exact),
                "direct_accuracy": _accuracy(theirs, exact),
                "queries_per_s": len(queries) / seconds["ours"],
                "direct_queries_per_s": len(queries) / seconds["direct"],
            }
        )
    return rows


def _accuracy(found: NDArray[np.float32], exact: NDArray[np.float32]) -> float:
    """The share of the exact best 10 that are found: hits that score at least what the tenth does, ties included."""
    worst = np.where(np.isfinite(exact), exact, np.inf).min(axis=1, keepdims=True)
    good = (found >= worst * (1 - 1e-3)).sum(axis=1)  # weights in half precision
    return float(good.sum() / np.isfinite(exact).sum())


def memory() -> int:
    """Bytes of the machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
