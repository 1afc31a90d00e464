"""`ir-bench bench sparse`: search of learned sparse vectors against peers, in one run, on the same vectors."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console

from ir_bench.benchmarks import sparse_engines as engines
from ir_bench.benchmarks.bm25 import apart, table_lines
from ir_bench.benchmarks.bm25_engines import installed
from ir_bench.benchmarks.crossed import crossed
from ir_bench.environment import environment
from ir_bench.errors import InputError
from ir_bench.shards import arrays_of, write_arrays
from ir_bench.types import Sparse

# Peers by name: the distribution, and what to import.
PEERS = {
    "scipy": ("scipy", "scipy"),
    "sentence-transformers": ("sentence-transformers", "sentence_transformers"),
    "seismic": ("pyseismic-lsr", "seismic"),
    "lucene": ("pyserini", "pyserini"),
}
Row = dict[str, Any]


def sparse(
    name: str,
    documents: Sparse,
    queries: Sparse,
    results: Path,
    size: int = 500_000,
    repeats: int = 5,
    peers: Sequence[str] = tuple(PEERS),
    seed: int = 0,
) -> list[Row]:
    """Measure, print and write `results`/bench/sparse.json and sparse.md; returns a row per collection,
    number of threads and engine.

    The collections are the vectors given and `size` crossed from them (see `crossed`); 0 leaves the latter out. Every
    engine builds in a process of its own; all search in one, on one core and then on all, taking turns, and times are
    medians over `repeats`: compare ratios, not seconds, across machines. Files are written after each collection; an
    engine that dies has a row that says of what. Raises InputError where nothing is to be measured and for an unknown
    peer.
    """
    if unknown := set(peers) - set(PEERS):
        raise InputError(f"no peer named {', '.join(sorted(unknown))}", "some of: " + ", ".join(PEERS))
    found = tuple(peer for peer in peers if installed(PEERS[peer][1]))
    if not found or repeats < 1:
        raise InputError("nothing to compare with", "at least one peer and one repeat", 'pip install "ir-bench[bench]"')
    rows: list[Row] = []
    facts = {**environment(), "peers": {peer: metadata.version(PEERS[peer][0]) for peer in found}}
    settings = {"vectors": name, "size": size, "repeats": repeats, "seed": seed, "peers": list(found)}
    for title, vectors in _collections(name, documents, size, seed):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            write_arrays(folder / "documents", arrays_of(vectors))
            write_arrays(folder / "queries", arrays_of(queries))
            count = len(vectors)
            del vectors  # the processes read it from the folder
            rows += _measure(title, folder, count, len(queries), repeats, found)
        keep(rows, facts, settings, results / "bench")  # a later collection may be too large for this machine
    Console().print(markdown(rows, facts, settings), markup=False, highlight=False, soft_wrap=True)
    return rows


def _collections(name: str, documents: Sparse, size: int, seed: int) -> Any:
    yield name, documents
    if size:
        yield f"crossed-{size}", crossed(documents, size, seed)


def _measure(name: str, folder: Path, documents: int, queries: int, repeats: int, peers: tuple[str, ...]) -> list[Row]:
    cores = engines.cores()
    builders: dict[str, Callable[[Path, int], Row]] = {
        "ours": engines.build_ours,
        "block-max": engines.build_block_max,
        "scipy": engines.build_scipy,
        "seismic": engines.build_seismic,
        "lucene": engines.build_lucene,
    }
    common = {"collection": name, "documents": documents, "queries": queries}
    own, builds, failed = {"ours", "block-max"}, {}, {}
    for engine in [engine for engine in builders if engine in own or engine in peers]:
        try:
            builds[engine] = apart(builders[engine], folder, cores)
        except Exception as error:  # whatever the engine or its process died of
            failed[engine] = _told(error)
    rows: list[Row] = [{**common, "engine": engine, "failed": f"build: {why}"} for engine, why in failed.items()]
    if own & set(failed):
        return rows  # nothing to compare with
    able = tuple(peer for peer in peers if peer not in failed)
    for threads in sorted({1, cores}):
        try:
            searched = apart(partial(engines.search, threads=threads, peers=able), folder, repeats)
        except Exception as error:  # all search in one process: it is not known whose fault it was
            rows.append({**common, "threads": threads, "engine": "all", "failed": f"search: {_told(error)}"})
            continue
        for engine, rates in searched["rates"].items():
            row = {**common, "threads": threads, "engine": engine, **_cost(builds.get(engine), documents)}
            row |= {f"k{k}_queries_per_s": rate for k, rate in rates.items()}
            if engine in searched["checks"]:
                row["agreement"] = searched["checks"][engine]
            rows.append(row)
        if searched["curve"]:
            row = {**common, "threads": threads, "engine": "seismic", **_cost(builds["seismic"], documents)}
            rows.append({**row, "curve": searched["curve"]})
    return rows


def _told(error: Exception) -> str:
    """The last line of what went wrong."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or ['no message'])[-1]}"


def _cost(build: Row | None, documents: int) -> Row:
    if build is None:
        return {}
    sizes = {"peak_bytes": build["peak_bytes"], "bytes_per_document": build["index_bytes"] / documents}
    return {"index_s": build["index_s"], **sizes}


def ratios(rows: Sequence[Row]) -> list[dict[str, str]]:
    """The rates of the inverted and of the block-max index over each exact peer's; above 1 is in our favour."""
    table = []
    for row in rows:
        if row["engine"] not in ("ours", "block-max") and "curve" not in row and "failed" not in row:
            ours, pruned = _row(rows, row, "ours"), _row(rows, row, "block-max")
            table.append(
                {
                    **_place(row),
                    "against": row["engine"],
                    **{
                        f"top {k}": f"{ours[f'k{k}_queries_per_s'] / row[f'k{k}_queries_per_s']:.1f}×"
                        for k in engines.DEPTHS
                    },
                    "top 10, block-max": f"{pruned['k10_queries_per_s'] / row['k10_queries_per_s']:.1f}×",
                    "agreement": row.get("agreement", ""),
                }
            )
    return table


def rates(rows: Sequence[Row]) -> list[dict[str, str]]:
    """What was measured."""
    return [
        {
            **_place(row),
            "engine": row["engine"],
            "index s": f"{row['index_s']:,.1f}" if "index_s" in row else "",
            "bytes a document": f"{row['bytes_per_document']:,.0f}" if "bytes_per_document" in row else "",
            **{
                f"top {k} queries/s": f"{row[f'k{k}_queries_per_s']:,.1f}" if f"k{k}_queries_per_s" in row else ""
                for k in engines.DEPTHS
            },
        }
        for row in rows
        if "failed" not in row
    ]


def failures(rows: Sequence[Row]) -> list[dict[str, str]]:
    """Which engines did not get through, and what they said."""
    return [{**_place(row), "engine": row["engine"], "failed": row["failed"]} for row in rows if "failed" in row]


def curves(rows: Sequence[Row]) -> list[dict[str, str]]:
    """Seismic by its settings: accuracy, its speed over our exact search's, and our wrapper over the library's own."""
    return [
        {
            **_place(row),
            "query_cut": str(point["query_cut"]),
            "heap_factor": str(point["heap_factor"]),
            "accuracy@10": f"{point['accuracy']:.3f}",
            "called directly": f"{point['direct_accuracy']:.3f}",
            "queries/s": f"{point['queries_per_s']:,.0f}",
            "over exact": f"{point['queries_per_s'] / _row(rows, row, 'ours')['k10_queries_per_s']:.2f}×",
            "over direct": f"{point['queries_per_s'] / point['direct_queries_per_s']:.2f}×",
        }
        for row in rows
        for point in row.get("curve", ())
    ]


def _row(rows: Sequence[Row], row: Row, engine: str) -> Row:
    place = _place(row)
    return next(other for other in rows if other["engine"] == engine and _place(other) == place)


def _place(row: Row) -> dict[str, str]:
    return {"collection": f"{row['collection']} ({row['documents']:,})", "threads": str(row.get("threads", ""))}


NOTES = """Vectors in memory to the scores and rows of the best 10 or 1000; encoding is not part of it. Ours: the
inverted index, exact, from bags in the documents' term numbers, as all engines get them; block-max: the index that
skips documents, whose scores are the same. scipy: queries times documents as CSR, then a partition of each row; it has
no threads. sentence-transformers: semantic_search of sparse tensors, left out where they would take more than half of
the machine's memory. lucene: Anserini's SimpleImpactSearcher called directly, its queries made before the clock starts
and its hits left in Java. seismic: approximate, so it stands by its accuracy, the share of the exact best 10 that it
finds (ties count); our index of it, from bags of terms to rows, over the library called directly on queries made before
the clock starts. Peers get fewer queries where they are slow. Bytes: of the saved index. Builds use all cores where an
engine has threads (seismic)."""


def markdown(rows: Sequence[Row], facts: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """The tables, what they mean, and where they were measured."""
    versions = ", ".join(f"{name} {version}" for name, version in {**facts["packages"], **facts["peers"]}.items())
    lines = ["# Speed of sparse search against peers", "", "Above 1× is in our favour.", "", *table_lines(ratios(rows))]
    lines += ["", *table_lines(rates(rows)), ""]
    if table := curves(rows):
        lines += ["## The approximate engine", "", *table_lines(table), ""]
    if table := failures(rows):
        lines += ["## What failed", "", *table_lines(table), ""]
    lines += [NOTES, "", f"Settings: {json.dumps(dict(settings))}", ""]
    lines += [f"{facts['date']}, {facts['processor']}, {facts['cores']} cores, Python {facts['python']}; {versions}"]
    return "\n".join(lines) + "\n"


def keep(rows: Sequence[Row], facts: Mapping[str, Any], settings: Mapping[str, Any], folder: Path) -> None:
    """Write data and tables to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    data = {"environment": dict(facts), "settings": dict(settings), "rows": list(rows)}
    (folder / "sparse.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    (folder / "sparse.md").write_text(markdown(rows, facts, settings), encoding="utf-8")
