"""What the multi-vector benchmark compares within our own environment, in a process of its own on one core."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ir_bench.benchmarks.bm25_engines import use_one_core
from ir_bench.indexes.faiss_factory import FaissFactoryIndex
from ir_bench.indexes.fde_blocks import FdeBlocks
from ir_bench.indexes.fde_codes import FdeCodes
from ir_bench.indexes.flat import FlatIndex
from ir_bench.indexes.maxsim import MaxSimIndex
from ir_bench.kernels.maxsim import pair_scores, quantised
from ir_bench.memory import peak_memory
from ir_bench.scoring import best
from ir_bench.transforms.fde import FixedDimensionalEncoding
from ir_bench.transforms.fde_int8 import Int8Encoding
from ir_bench.transforms.token_pool import TokenPool
from ir_bench.types import Dense, Hits, MultiVector

CANDIDATES, LONG, BATCH = 100, 32, 32
ALONE = "arithmetic alone"
MORE = (300, 1000)  # candidates of the search part: how many its quality needs
ENCODED = 300  # documents whose encoding, and whose pooling, is timed
POOLED = 2  # tokens pooled to one
SINGLE = 50  # queries asked one at a time
ASKED = 100  # queries of the search part, and of its quality
MANY = 25_000  # documents from which on fewer queries are asked one at a time, so that all ends in time
ROOM = 12e9  # bytes of encodings held at once
CODES_FROM, TRAINING = 1000, 4096  # documents from which on codes are trained, and how many train them
Row = dict[str, Any]


def read(folder: Path, name: str) -> MultiVector:
    return MultiVector(np.load(folder / f"{name}_tokens.npy", mmap_mode="r"), np.load(folder / f"{name}_offsets.npy"))


def long_queries(documents: MultiVector, count: int, seed: int = 0) -> MultiVector:
    """Spans of `LONG` tokens of documents that have so many, as queries."""
    random, spans = np.random.default_rng(seed), []
    enough = np.flatnonzero(np.diff(documents.offsets) >= LONG)
    for row in random.choice(enough, count) if len(enough) else []:
        start = random.integers(documents.offsets[row], documents.offsets[row + 1] - LONG + 1)
        spans.append(documents.values[start : start + LONG].astype(np.float32))
    values = np.concatenate([documents.values[:0].astype(np.float32), *spans])
    return MultiVector(values, np.arange(0, len(values) + 1, LONG))


def take_turns(work: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median seconds of each, taking turns, once before the clock counts."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(repeats + 1):
        for name, one in work.items():
            start = time.perf_counter()
            one()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: median(some) for name, some in seconds.items()}


def rerank(folder: Path, repeats: int) -> Row:
    """MaxSim of 100 random candidates a query: queries per second, agreement and extra peak memory."""
    import torch

    use_one_core()
    torch.set_num_threads(1)
    halves = read(folder, "document")
    documents = MultiVector(np.asarray(halves.values, np.float32), halves.offsets)
    numbers, scales = quantised(documents.values)
    small = MultiVector(cast(Any, numbers), documents.offsets)
    found: Row = {}
    for kind, queries in (("short", read(folder, "query")), ("long", long_queries(documents, SINGLE))):
        if len(queries.values):
            rows = _reranked(queries[:SINGLE], documents, halves, small, scales, repeats)
            found |= {f"{kind} {name}": row for name, row in rows.items()}
    return found


def _reranked(
    queries: MultiVector,
    documents: MultiVector,
    halves: MultiVector,
    small: MultiVector,
    scales: NDArray[np.float32],
    repeats: int,
) -> Row:
    import torch

    random = np.random.default_rng(1)
    full = np.flatnonzero(np.diff(documents.offsets))
    count = min(CANDIDATES, len(full))
    rows = np.concatenate([random.choice(full, count, replace=False) for _ in range(len(queries))])
    asked = np.repeat(np.arange(len(queries)), count)

    def ours(vectors: MultiVector, with_scales: Any = None) -> Any:
        spans = [slice(i * count, (i + 1) * count) for i in range(len(queries))]
        each = [
            pair_scores(queries[i : i + 1], vectors, asked[:count] * 0, rows[s], with_scales)
            for i, s in enumerate(spans)
        ]
        return np.concatenate(each)

    tensors = [torch.from_numpy(np.array(queries.row(i))) for i in range(len(queries))]
    lists = [[torch.from_numpy(documents.row(r)) for r in some] for some in rows.reshape(len(queries), count)]

    def peer(one: Callable[[Any, list[Any]], Any]) -> Any:
        return np.concatenate([one(query, some) for query, some in zip(tensors, lists, strict=True)])

    work: dict[str, Callable[[], Any]] = {
        "ours float32": lambda: ours(documents),
        "ours float16": lambda: ours(halves),
        "ours int8": lambda: ours(small, scales),
        "ours float32, batch": lambda: pair_scores(queries, documents, asked, rows),
        "ours float16, batch": lambda: pair_scores(queries, halves, asked, rows),
        "ours int8, batch": lambda: pair_scores(queries, small, asked, rows, scales),
        "padded torch": lambda: peer(_padded),
        "sentence-transformers": lambda: peer(_library),
        "PyLate's formula": lambda: peer(_pylate),
    }
    work[ALONE], counted = a_large_product(documents.values.shape[1])
    exact = np.array(
        [_by_float64(queries.row(q), documents.row(r)) for q, r in zip(asked.tolist(), rows.tolist(), strict=True)]
    )
    wanted = best(exact.reshape(len(queries), count), 10).rows
    times = take_turns(work, repeats)
    lengths = np.diff(documents.offsets)[rows].reshape(len(queries), count).sum(1)
    needed = 2 * documents.values.shape[1] * float(lengths @ np.diff(queries.offsets))
    found: Row = {ALONE: {"queries_per_s": len(queries) / (times.pop(ALONE) * needed / counted)}}
    for name, seconds in times.items():
        with peak_memory() as before:
            pass
        with peak_memory() as peak:
            scores = work[name]()
        top = best(scores.reshape(len(queries), count), 10).rows
        found[name] = {
            "queries_per_s": len(queries) / seconds,
            "largest_error": float(np.abs(scores - exact).max()),
            "overlap_10": float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(top, wanted, strict=True)])),
            "extra_peak_bytes": max(peak["bytes"] - before["bytes"], 0),
        }
    return found


def _by_float64(query: np.ndarray, document: np.ndarray) -> float:
    return float((query.astype(np.float64) @ document.astype(np.float64).T).max(axis=1).sum())


def _padded(query: Any, documents: list[Any]) -> Any:
    import torch

    padded = torch.nn.utils.rnn.pad_sequence(documents, batch_first=True)
    lengths = torch.tensor([len(d) for d in documents])
    absent = torch.arange(padded.shape[1])[None] >= lengths[:, None]
    scores = torch.einsum("qd,ntd->nqt", query, padded).masked_fill(absent[:, None], -torch.inf)
    return scores.amax(2).sum(1).numpy()


def _pylate(query: Any, documents: list[Any]) -> Any:
    """The arithmetic of `pylate.rank.rerank` 1.6: padding of zeros takes part in the maximum."""
    import torch

    padded = torch.nn.utils.rnn.pad_sequence(documents, batch_first=True, padding_value=0)
    scores = torch.einsum("ash,bth->abst", query[None], padded)
    return scores.max(dim=-1).values.sum(dim=-1)[0].numpy()


def _library(query: Any, documents: list[Any]) -> Any:
    from sentence_transformers.util import maxsim

    return maxsim([query], documents)[0].numpy()


def encode(folder: Path, repeats: int) -> Row:
    """Fixed dimensional encodings: documents per second from float32, float16 and int8 tokens."""
    import torch

    use_one_core()
    torch.set_num_threads(1)
    halves = read(folder, "document")[:ENCODED]
    singles = MultiVector(np.asarray(halves.values, np.float32), halves.offsets)
    encoding = FixedDimensionalEncoding()
    rounding, (numbers, scales) = Int8Encoding(), quantised(singles.values)
    work: dict[str, Callable[[], Any]] = {
        "float32": lambda: encoding.documents(singles),
        "float16": lambda: encoding.documents(halves),
        "int8": lambda: rounding.rounded_documents(numbers, scales, halves.offsets),
        "int8, rounded from float16": lambda: rounding.documents(halves),
    }
    work[ALONE], counted = a_large_product(halves.values.shape[1])
    seconds = take_turns(work, repeats)
    blocks = FixedDimensionalEncoding(fill=False).documents(singles).values.reshape(-1, encoding.columns)
    planes = len(singles.values) * encoding.repetitions * encoding.hyperplanes
    needed = 2 * singles.values.shape[1] * (planes + int(blocks.any(axis=1).sum()) * encoding.columns)
    alone = seconds.pop(ALONE) * needed / counted
    rates = {f"ours {name}": len(halves) / some for name, some in seconds.items()}
    return {**rates, ALONE: len(halves) / alone}


def a_large_product(dims: int) -> tuple[Callable[[], Any], float]:
    """A product of float32 matrices large enough for the processor's full rate, and its operations."""
    import torch

    generator = torch.Generator().manual_seed(0)
    left = torch.rand(2048, dims, generator=generator)
    right = torch.rand(dims, 512, generator=generator)
    return lambda: left @ right, 2.0 * 2048 * dims * 512


def pool(folder: Path, repeats: int) -> Row:
    """Token pooling to a half: documents per second, and tokens that are kept."""
    import torch
    from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling

    use_one_core()
    torch.set_num_threads(1)
    halves = read(folder, "document")[:ENCODED]
    singles = MultiVector(np.asarray(halves.values, np.float32), halves.offsets)
    tensors = [torch.from_numpy(singles.row(i)) for i in range(len(singles)) if len(singles.row(i))]
    theirs = HierarchicalTokenPooling(POOLED, num_protected_tokens=1, normalize_embeddings=False)
    plain, by_rows = (TokenPool(POOLED, renormalise=False, distances=by) for by in ("cosine", "rows"))
    work: dict[str, Callable[[], int]] = {
        "ours": lambda: len(plain.documents(singles).values),
        "ours, by rows": lambda: len(by_rows.documents(singles).values),
        "sentence-transformers": lambda: sum(map(len, theirs.pool(tensors))),
        "PyLate's formula": lambda: sum(len(_pooled_like_pylate(tensor)) for tensor in tensors),
    }
    kept = {name: one() for name, one in work.items()}
    seconds = take_turns(work, repeats)
    return {name: {"docs_per_s": len(halves) / seconds[name], "tokens_kept": kept[name]} for name in work}


def _pooled_like_pylate(tokens: Any) -> Any:
    """The arithmetic of PyLate's pooling: Ward's rule over rows of the matrix of 1 - cosine, one mean at a time."""
    import torch
    from scipy.cluster.hierarchy import fcluster, linkage

    first, rest = tokens[:1], tokens[1:]
    if len(rest) < 2:
        return tokens
    distances = 1 - torch.mm(rest, rest.t()).numpy()
    count = max(len(rest) // POOLED, 1)
    labels = torch.from_numpy(fcluster(linkage(distances, method="ward"), t=count, criterion="maxclust"))
    groups = [torch.where(labels == label)[0] for label in range(1, count + 1)]
    return torch.cat([torch.stack([rest[group].mean(0) for group in groups if len(group)]), first])


def scan(folder: Path, repeats: int) -> Row:
    """The scan of encodings, single and in batches: queries per second, bytes, and whether scores are those of flat."""
    import faiss

    use_one_core()
    faiss.omp_set_num_threads(1)
    encoding = FixedDimensionalEncoding()
    encoded = _encoded(encoding, folder)
    count, dims = encoded.values.shape
    encoded = Dense(np.array(encoded.values))  # in memory, and not mapped
    single = count * dims * 4
    able: dict[str, tuple[Any, float]] = {
        "flat": (FlatIndex(), single),
        "blocks int8": (FdeBlocks("int8"), count * (dims + 4)),
        "blocks float32": (FdeBlocks(), single),
        "faiss flat": (FaissFactoryIndex("Flat"), single),
    }
    if count >= CODES_FROM:
        codes = {
            "blocks PQ-256-8": (FdeCodes(training_rows=TRAINING), count * dims // 8),
            "faiss PQ-256-8": (FaissFactoryIndex(f"PQ{dims // 8}", training_rows=TRAINING), count * dims // 8),
        }
        able = {"flat": able["flat"], **codes, **able}
    indexes: dict[str, Any] = {}
    sizes: dict[str, float] = {}
    for name, (index, size) in able.items():
        if sum(sizes.values()) + size <= ROOM:
            index.build(encoded)
            indexes[name], sizes[name] = index, size
    found: Row = {}
    asked = max(10, min(SINGLE, SINGLE * MANY // count))
    for kind, queries in (("short", read(folder, "query")), ("long", long_queries(read(folder, "document"), SINGLE))):
        if len(queries.values):
            rows = _scanned(encoding.queries(queries[:SINGLE]), indexes, repeats, asked)
            found |= {f"{kind} {name}": {**row, "bytes": sizes[name]} for name, row in rows.items()}
    return found


def _scanned(asked: Dense, indexes: dict[str, Any], repeats: int, singles: int) -> Row:
    def ask(index: Any, queries: Dense, size: int) -> None:
        for i in range(0, len(queries), size):
            index.search(queries[i : i + size], CANDIDATES)

    work: dict[str, Callable[[], Any]] = {}
    for name, index in indexes.items():
        work[f"{name}, single"] = partial(ask, index, asked[:singles], 1)
        work[f"{name}, batch"] = partial(ask, index, asked[:BATCH], BATCH)
    seconds = take_turns(work, repeats)
    count = 1_000_000_000
    exact = _by_row(indexes["flat"].search(asked, count))
    largest = float(np.abs(exact).max())
    return {
        name: {
            "single_queries_per_s": len(asked[:singles]) / seconds[f"{name}, single"],
            "batch_queries_per_s": len(asked[:BATCH]) / seconds[f"{name}, batch"],
            "largest_difference": float(np.abs(_by_row(index.search(asked, count)) - exact).max()) / largest,
            "columns_hit": float((asked.values != 0).mean()),
        }
        for name, index in indexes.items()
    }


def _encoded(encoding: FixedDimensionalEncoding, folder: Path) -> Dense:
    """Encodings of the folder's documents, memory-mapped and kept there for the next part."""
    kept, documents = folder / "encodings.npy", read(folder, "document")
    if not kept.exists():
        dims = encoding.documents(documents[:1]).values.shape[1]
        part = folder / "encodings.part.npy"
        values = np.lib.format.open_memmap(part, "w+", np.float32, (len(documents), dims))
        for i in range(0, len(documents), 512):
            values[i : i + 512] = encoding.documents(documents[i : i + 512]).values
        values.flush()
        part.rename(kept)
    return Dense(np.load(kept, mmap_mode="r"))


def _by_row(hits: Hits) -> np.ndarray:
    return np.take_along_axis(hits.scores, np.argsort(hits.rows, axis=1), 1)


def search(folder: Path, repeats: int) -> Row:
    """Encodings and MaxSim together: queries per second without query encoding, and the ten best rows of each query."""
    import faiss

    use_one_core()
    faiss.omp_set_num_threads(1)
    encoding = FixedDimensionalEncoding()
    documents, asked = read(folder, "document"), read(folder, "query")[:ASKED]
    encoded = _encoded(encoding, folder)
    numbers, scales = quantised(documents.values)
    small = MultiVector(cast(Any, numbers), documents.offsets)
    exact = MaxSimIndex()
    exact.build(documents)
    start = time.perf_counter()
    found: Row = {"exact MaxSim": {"hits": exact.search(asked, 10)}}
    found["exact MaxSim"]["batch_queries_per_s"] = len(asked) / (time.perf_counter() - start)
    indexes: dict[str, tuple[Any, Any, Any]] = {
        "float32 + float16": (FdeBlocks(), documents, None),
        "int8 + float16": (FdeBlocks("int8"), documents, None),
        "int8 + int8": (FdeBlocks("int8"), small, scales),
    }
    if len(documents) >= CODES_FROM:
        indexes["PQ-256-8 + float16"] = (FdeCodes(training_rows=TRAINING), documents, None)
    for name, (index, tokens, with_scales) in indexes.items():
        if encoded.values.nbytes > ROOM / 2 and name.startswith("float32"):
            continue
        index.build(encoded)
        each = [asked[i : i + 1] for i in range(max(10, min(len(asked), ASKED * MANY // len(documents))))]
        for count in (CANDIDATES, *MORE) if name == "int8 + int8" else (CANDIDATES,):
            answer = partial(_answered, index, encoding, tokens, with_scales, min(count, len(documents)))
            work: dict[str, Callable[[], Any]] = {
                "single": partial(_each, answer, each),
                "batch": partial(answer, asked),
            }
            times = take_turns(work, repeats)
            found[name if count == CANDIDATES else f"{name}, {count} candidates"] = {
                "single_queries_per_s": len(each) / times["single"],
                "batch_queries_per_s": len(asked) / times["batch"],
                "hits": answer(asked),
            }
    return found


def _answered(
    index: Any, encoding: FixedDimensionalEncoding, tokens: MultiVector, scales: Any, count: int, queries: MultiVector
) -> Hits:
    rows = index.search(encoding.queries(queries), count).rows
    pairs = np.repeat(np.arange(len(queries)), rows.shape[1])
    scores = pair_scores(queries, tokens, pairs, rows.ravel(), scales).reshape(rows.shape)
    order = best(scores, 10).rows
    return Hits(np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1))


def _each(answer: Callable[[MultiVector], Hits], queries: list[MultiVector]) -> None:
    for query in queries:
        answer(query)
