"""`ir-bench bench multi-vector`: MaxSim reranking and MUVERA against peers, in one run, on the same token vectors."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from ir_bench.benchmarks import multi_vector_engines as engines
from ir_bench.benchmarks import multi_vector_peers as peers
from ir_bench.benchmarks.bm25 import apart, table_lines
from ir_bench.corpus_ids import document_ids
from ir_bench.encoding import encoded_documents
from ir_bench.environment import environment
from ir_bench.errors import InputError
from ir_bench.evaluation.measures import evaluate
from ir_bench.protocols import Encoder
from ir_bench.store import Store
from ir_bench.types import Corpus, Dataset, Hits, MultiVector, Run

PEERS = {"fastembed": "fastembed", "muvera-python": "muvera", "fast-plaid": "fast_plaid"}  # and what to import
SPANS = (8, 64)  # tokens of a passage of the recombined collection: fewest and most
RECOMBINED_DIMS = 128  # of its tokens, as in ColBERTv2: 200,000 passages of 384 take 11 GB in float32
PARTS = ("rerank", "pool", "scan", "search", "encode", "query encoding")
NEEDS_JUDGMENTS = {"fast-plaid"}  # not asked about collections without: an index of 200,000 takes too long to build
Row = dict[str, Any]


def multi_vector(
    datasets: Mapping[str, Dataset],
    encoder: Encoder,
    store: Store,
    results: Path,
    size: int = 200_000,
    repeats: int = 5,
    interpreters: Sequence[str] = (),
    seed: int = 0,
    peer_timeout: float = 600,
    passages: int = 12_000,
    parts: Sequence[str] = PARTS,
) -> list[Row]:
    """Measure, print and write `results`/bench/multi-vector.json and .md; returns a row per collection and comparison.

    `size` passages, spans of tokens drawn from the collections and cut to `RECOMBINED_DIMS`, are a further collection
    without judgments; 0 leaves it out. Of a collection with more than `passages` the first ones are measured, without
    nDCG. Peers that cannot live in our environment are run by the Python `interpreters`
    that have them; one that none has is left out, and one without a result after `peer_timeout` seconds is ended and
    becomes a row that says so. What is measured is written after each collection. Of fewer `parts`, the rows of the
    others stay as `results` has them, and the page says which parts were measured again, and when. Everything works on
    one core; times are medians over `repeats` with the engines of a process taking turns, so compare ratios, not
    seconds, across machines. Query encoding is in no other figure. Raises InputError where nothing is to be
    measured, for unknown parts, for parts without earlier results and for an encoder that gives no token vectors.
    """
    if repeats < 1 or not datasets:
        raise InputError("nothing to measure", "at least one dataset and one repeat")
    if not parts or set(parts) - set(PARTS):
        raise InputError(f"parts {', '.join(parts) or 'none'}", "some of: " + ", ".join(PARTS))
    if encoder.produces is not MultiVector:
        raise InputError(f"{type(encoder).__name__} gives {encoder.produces.__name__}", "an encoder of token vectors")
    found = {
        peer: python
        for peer in PEERS
        if ("search" if peer in NEEDS_JUDGMENTS else "encode") in parts and (python := _interpreter(peer, interpreters))
    }
    settings: dict[str, Any] = {
        "datasets": list(datasets), "size": size, "repeats": repeats, "seed": seed, "encoder": repr(encoder),
        "passages": passages,
    }  # fmt: skip
    facts, kept = environment(), list[Row]()
    versions: dict[str, str] = {}
    again = [part for part in PARTS if part in parts]
    if len(again) < len(PARTS):
        settings, old, kept = _earlier(results / "bench" / "multi-vector.json", settings, again, facts)
        versions, facts = dict(old["peers"]), {**facts, **old}
    rows: list[Row] = []
    judged: set[str] = set()
    able = {peer: python for peer, python in found.items() if peer not in NEEDS_JUDGMENTS}

    def finished(name: str, folder: Path, asked: Mapping[str, str], *more: Row) -> None:
        start = time.perf_counter()
        measured = [*_measure(name, folder, repeats, asked, versions, peer_timeout, again), *more]
        for row in measured:
            if (hits := row.pop("hits", None)) is not None and name in judged:
                row["nDCG@10"] = _quality(datasets[name], hits, store)
        rows.extend(measured)
        own = {"sentence-transformers": metadata.version("sentence-transformers")}
        done = {(row["collection"], row["part"]) for row in rows}
        others = [row for row in kept if (row["collection"], row["part"]) not in done]
        every = sorted([*rows, *others], key=lambda row: PARTS.index(row["part"]))
        write(every, {**facts, "peers": {**own, **versions}}, settings, results / "bench")
        Console().print(f"{name}: {time.perf_counter() - start:.0f} s", markup=False, highlight=False)

    with tempfile.TemporaryDirectory() as place:
        sources = []
        for name, dataset in datasets.items():
            folder = Path(place) / name.replace("/", "-")
            folder.mkdir()
            corpus, whole = first(dataset.corpus, passages)
            if whole:
                judged.add(name)
            _, documents = encoded_documents(encoder, corpus, store, 512)
            start = time.perf_counter()
            queries = encoder.encode_queries(list(dataset.queries.values()))
            rate = max(len(queries), 1) / (time.perf_counter() - start)
            _write(folder, documents, queries)
            sources.append((documents, queries))
            own = [_row(name, "query encoding", "ours", queries_per_s=rate)] if "query encoding" in again else []
            finished(name, folder, found if whole else able, *own)
            shutil.rmtree(folder)
        if size:
            folder = Path(place) / "recombined"
            folder.mkdir()
            _write(folder, *_recombined(sources, size, seed))
            finished(f"recombined-{size}", folder, able)
    Console().print((results / "bench" / "multi-vector.md").read_text(), soft_wrap=True, markup=False, highlight=False)
    return rows


def _earlier(
    path: Path, settings: Mapping[str, Any], again: Sequence[str], facts: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], list[Row]]:
    """The earlier settings, with what is measured `again`, its environment and its rows.

    Raises InputError where there are none, or of other settings: their rows would not belong to the new ones.
    """
    if not path.is_file():
        raise InputError(
            f"there is no {path}", "earlier results, of which parts are measured again", "leave out --parts"
        )
    data = json.loads(path.read_text(encoding="utf-8"))
    earlier = dict(data["settings"])
    before = earlier.pop("measured again", {})
    if differing := [name for name, value in settings.items() if name != "datasets" and earlier.get(name) != value]:
        raise InputError(
            f"{path} has other settings: {', '.join(differing)}",
            ", ".join(f"{name} {earlier.get(name)}" for name in differing),
            "measure with these, or leave out --parts",
        )
    then = f"{facts['date']}, {facts['processor']}"
    return {**earlier, "measured again": {**before, **dict.fromkeys(again, then)}}, data["environment"], data["rows"]


def first(corpus: Corpus, passages: int) -> tuple[Corpus, bool]:
    """A collection's first passages, and whether these are all it has."""
    if not any(islice(corpus, passages, None)):
        return corpus, True
    identity = f"{corpus.identity}-first-{passages}"
    return replace(corpus, identity=identity, read=lambda: islice(iter(corpus), passages), size=passages), False


def _quality(dataset: Dataset, hits: Hits, store: Store) -> float:
    """nDCG@10 of hits of the first queries; of all queries where there are as many hits."""
    asked = dict(list(dataset.queries.items())[: len(hits.rows)])
    run = Run.from_hits(asked, hits, document_ids(dataset.corpus, store), 10)
    qrels = {query: judged for query, judged in dataset.qrels.items() if query in asked}
    return evaluate(run, qrels, ["nDCG@10"], dataset.rules).means["nDCG@10"]


def _interpreter(peer: str, interpreters: Sequence[str]) -> str | None:
    """The first interpreter that can import the peer."""
    for python in interpreters:
        if not subprocess.run([python, "-c", f"import {PEERS[peer]}"], capture_output=True, check=False).returncode:
            return python
    return None


def _write(folder: Path, documents: MultiVector, queries: MultiVector) -> None:
    for name, vectors in (("document", documents), ("query", queries)):
        np.save(folder / f"{name}_tokens.npy", vectors.values)
        np.save(folder / f"{name}_offsets.npy", vectors.offsets)


def _recombined(
    sources: Sequence[tuple[MultiVector, MultiVector]], size: int, seed: int
) -> tuple[MultiVector, MultiVector]:
    """`size` passages that are each a span of a document, and the queries of all sources; tokens of the first
    `RECOMBINED_DIMS` dimensions, of length 1."""
    random = np.random.default_rng(seed)
    lengths = random.integers(*SPANS, size)
    which = random.integers(0, len(sources), size)
    parts = []
    for length, source in zip(lengths.tolist(), which.tolist(), strict=True):
        values = sources[source][0].values
        start = int(random.integers(0, len(values) - length))
        parts.append(_cut(values[start : start + length]))
    documents = MultiVector(np.concatenate(parts), np.cumsum([0, *lengths]))
    queries = [queries for _, queries in sources]
    counts = np.concatenate([np.diff(q.offsets) for q in queries])
    return documents, MultiVector(np.concatenate([_cut(q.values) for q in queries]), np.cumsum([0, *counts]))


def _cut(values: NDArray[np.floating]) -> NDArray[np.floating]:
    cut = values[:, :RECOMBINED_DIMS].astype(np.float32)
    cut /= np.maximum(np.linalg.norm(cut, axis=1, keepdims=True), 1e-12)
    return cut.astype(values.dtype)


def _row(collection: str, part: str, engine: str, **values: Any) -> Row:
    return {"collection": collection, "part": part, "engine": engine, **values}


def _measure(
    name: str,
    folder: Path,
    repeats: int,
    found: Mapping[str, str],
    versions: dict[str, str],
    timeout: float,
    parts: Sequence[str],
) -> list[Row]:
    rows = []
    for kind, work in (
        ("rerank", engines.rerank),
        ("pool", engines.pool),
        ("scan", engines.scan),
        ("search", engines.search),
    ):
        for engine, values in apart(work, folder, repeats).items() if kind in parts else ():
            rows.append(_row(name, kind, engine, **values))
    for engine, rate in apart(engines.encode, folder, repeats).items() if "encode" in parts else ():
        rows.append(_row(name, "encode", engine, docs_per_s=rate))
    for peer, python in found.items():
        measured = _of_peer(python, peer, folder, timeout)
        versions[peer] = measured.pop("version", "?")
        if "encode_docs_per_s" in measured:
            rows.append(_row(name, "encode", peer, docs_per_s=measured["encode_docs_per_s"]))
        elif "hits" in measured:
            measured["hits"] = _hits(measured["hits"])
            rows.append(_row(name, "search", peer, **measured))
        else:
            rows.append(_row(name, "search" if peer in NEEDS_JUDGMENTS else "encode", peer, failed=measured["failed"]))
    return rows


def _of_peer(python: str, peer: str, folder: Path, timeout: float = 600) -> Row:
    with subprocess.Popen(
        [python, peers.__file__, peer, str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with what it has started, which would keep the pipes open
            process.communicate()
            return {"failed": f"no result after {timeout:g} s"}
    if process.returncode:
        return {"failed": (err.strip().splitlines() or [f"exit status {process.returncode}, no message"])[-1]}
    return json.loads(out.splitlines()[-1])


def _hits(found: Sequence[Sequence[Sequence[float]]]) -> Hits:
    """Lists of (row, score) as hits, short ones padded."""
    rows = np.full((len(found), 10), -1, np.int64)
    scores = np.full((len(found), 10), -np.inf, np.float32)
    for i, some in enumerate(found):
        for j, (row, score) in enumerate(some[:10]):
            rows[i, j], scores[i, j] = row, score
    return Hits(rows, scores)


# What a row is compared with, by part: the engine whose rate is 1, or the last word of its name.
BASES = {"rerank": "padded torch", "scan": "flat", "pool": "PyLate's formula"}
TITLES = {
    "rerank": "MaxSim of 100 candidates, queries per second",
    "pool": "Token pooling to a half by Ward's rule, documents per second",
    "scan": "The scan of encodings, queries per second one at a time and in batches of 32",
    "encode": "Fixed dimensional encodings (20 repetitions, 5 hyperplanes, 16 columns), documents per second",
    "search": "Encodings and MaxSim of 100 candidates or as said, best 10, queries per second without query encoding",
    "query encoding": "Query encoding by itself, queries per second",
}


def tables(rows: Sequence[Row]) -> dict[str, list[dict[str, str]]]:
    """A table for each part: rates, their ratio to the part's base on the same queries, and the quality beside them."""
    found: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        cells = {"collection": row["collection"], "engine": row["engine"]}
        kind = row["engine"].partition(" ")[0]
        base = BASES.get(row["part"])
        other = next(
            (
                o
                for o in rows
                if base
                and (o["collection"], o["part"]) == (row["collection"], row["part"])
                and o["engine"] in (base, f"{kind} {base}")
            ),
            None,
        )
        for title, key in (
            ("queries/s", "queries_per_s"), ("single", "single_queries_per_s"), ("batch", "batch_queries_per_s"),
            ("documents/s", "docs_per_s"),
        ):  # fmt: skip
            if key in row:
                cells[title] = f"{row[key]:,.1f}"
                if other is not None:
                    cells[f"{title} ×"] = f"{row[key] / other[key]:.1f}×"
        if row["part"] == "scan":
            flat = f"{kind} faiss flat"
            theirs = [
                o["single_queries_per_s"] for o in rows if (o["collection"], o["engine"]) == (row["collection"], flat)
            ]
            cells["single × faiss flat"] = f"{row['single_queries_per_s'] / theirs[0]:.1f}×" if theirs else ""
        if row["part"] == "encode":
            for peer in ("fastembed", "muvera-python"):
                same = [o for o in rows if (o["collection"], o["engine"]) == (row["collection"], peer)]
                theirs = [o["docs_per_s"] for o in same if "docs_per_s" in o]
                both = bool(theirs) and "docs_per_s" in row
                cells[f"× {peer}"] = f"{row['docs_per_s'] / theirs[0]:.1f}×" if both else ""
        for title, key, form in (
            ("largest error", "largest_error", ".1e"), ("overlap@10", "overlap_10", ".3f"),
            ("difference from flat", "largest_difference", ".1e"), ("columns hit", "columns_hit", ".0%"),
            ("nDCG@10", "nDCG@10", ".4f"), ("tokens kept", "tokens_kept", ",d"), ("failed", "failed", "s"),
        ):  # fmt: skip
            if key in row:
                cells[title] = format(row[key], form)
        for title, key in (("extra memory", "extra_peak_bytes"), ("size", "bytes")):
            if key in row:
                cells[title] = f"{row[key] / 1e6:,.1f} MB"
        found.setdefault(row["part"], []).append(cells)
    for part, some in found.items():
        titles = list(dict.fromkeys(title for cells in some for title in cells))
        found[part] = [{title: cells.get(title, "") for title in titles} for cells in some]
    return found


NOTES = """One processor core, token vectors in memory. Short: the collection's queries; long: spans of 32 tokens of
documents. Arithmetic alone: the products that the task needs in float32 (of encodings: of all tokens with the
hyperplanes, and of each region that has tokens with its projection), at the rate at which this core multiplies large
matrices, measured beside the engines: what nothing in float32 passes. Rerank: random candidates; errors against
float64; extra memory: above what the process holds before. Difference from flat: relative to the largest score. Size
of PQ-256-8: its codes, without the 10.5 MB of centroids. Encodings from int8: of tokens kept in 8
bits, with whole-number hyperplanes (`transform=fde_int8`).
The recombined collection: spans of 8 to 64 tokens of the other collections' documents, cut to their first 128
dimensions and scaled to length 1 for every engine, so that exact scores and encodings of 200,000 passages fit into
memory; without judgments. Scans of more encodings than fit into 12 GB together are left out (faiss flat and
blocks float32 first). Of a collection with more passages than the settings say the first ones are measured, without
nDCG. nDCG@10 of the search part: of the collection's first 100 queries, the same for every engine.
PyLate's formula: the arithmetic of its `rank.rerank`, and of its pooling, in our environment (it pins an older
sentence-transformers). Pooling: by rows is PyLate's distance, the plain one sentence-transformers'.
fastembed, muvera-python and fast-plaid run in environments of their own. fast-plaid on the CPU with `low_memory` off,
its default 4 bits and 8 probed lists, by one process and thread; the collection's first 100 queries, 20 of them for
single, batches of 32; not on collections without judgments. ×: against padded torch, our flat scan of all columns, or
the peer named."""


def markdown(rows: Sequence[Row], facts: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """The tables, what they mean, and where they were measured."""
    lines = ["# Multi-vector speed against peers", ""]
    for part, some in tables(rows).items():
        lines += [f"## {TITLES[part]}", "", *table_lines(some), ""]
    versions = ", ".join(f"{name} {version}" for name, version in {**facts["packages"], **facts["peers"]}.items())
    lines += [NOTES, "", f"Settings: {json.dumps(dict(settings))}", ""]
    lines += [f"{facts['date']}, {facts['processor']}, {facts['cores']} cores, Python {facts['python']}; {versions}"]
    return "\n".join(lines) + "\n"


def write(rows: Sequence[Row], facts: Mapping[str, Any], settings: Mapping[str, Any], folder: Path) -> None:
    """Keep data and tables in `folder`."""
    page = markdown(rows, facts, settings)
    folder.mkdir(parents=True, exist_ok=True)
    data = {"environment": dict(facts), "settings": dict(settings), "rows": list(rows)}
    (folder / "multi-vector.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    (folder / "multi-vector.md").write_text(page, encoding="utf-8")
