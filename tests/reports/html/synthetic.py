"""Measured systems made up from a seed: results folders as the harness writes them, with a collection to match."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from ir_bench.evaluation.measured import Measured, read_measured
from ir_bench.evaluation.measures import Scores
from ir_bench.evaluation.per_query import write_per_query
from ir_bench.evaluation.ranks import relevant_ranks, write_ranks
from ir_bench.evaluation.trec import write_run
from ir_bench.fingerprint import fingerprint
from ir_bench.reports.html.data import Data
from ir_bench.reports.html.explanations import Explainer
from ir_bench.types import Corpus, Dataset, Document, Match, Qrels, Ranking, Rules, Run

WORDS = [
    a + b + c for a in ("ba", "ne", "ro", "ti", "lu") for b in ("mar", "son", "vel", "kit") for c in ("a", "in", "os")
]
MEASURES = ("nDCG@10", "R@100", "AP", "RR@10")
RULES = {"exclude_self": False, "relevance_threshold": 1, "main_measure": "nDCG@10"}


@dataclass(frozen=True)
class Made:
    """A dataset with the systems measured on it."""

    measured: Sequence[Measured]
    data: Data
    explainers: Mapping[str, Explainer]
    root: Path


def make_up(
    root: Path, systems: int = 4, queries: int = 30, documents: int = 400, name: str = "made/up", seed: int = 7,
    sides: tuple[tuple[str, str], ...] = (),
) -> Made:  # fmt: skip
    """System i is called `bm25` (i = 0) or `system-i`; the later the better. `sides` are (query, title) texts that
    replace the first ones."""
    random = np.random.default_rng(seed)
    corpus = _corpus(documents, random, [title for _, title in sides])
    texts = [" ".join(random.choice(WORDS, 5)) for _ in range(queries)]
    texts[: len(sides)] = [query for query, _ in sides]
    ids = [f"q{j}" for j in range(queries)]
    qrels: dict[str, dict[str, int]] = {}
    for query in ids:
        judged = random.choice(documents, 6, replace=False).tolist()
        qrels[query] = {f"d{d}": int(max(0, 2 - n // 2)) for n, d in enumerate(judged)}
    measured = [_cell(root, name, i, qrels, documents, random) for i in range(systems)]
    dataset = Dataset(name, lambda: corpus, lambda: dict(zip(ids, texts, strict=True)), lambda: qrels, Rules())
    return Made(
        measured, Data(dataset, "", "Made up for a test. https://example.org/made-up"), {"bm25": _explained}, root
    )


def _corpus(size: int, random: np.random.Generator, titles: Sequence[str]) -> Corpus:
    drawn = random.integers(0, len(WORDS), (size, 48))
    found = []
    for i, row in enumerate(drawn.tolist()):
        title = titles[i] if i < len(titles) else " ".join(WORDS[w] for w in row[:5])
        found.append(Document(f"d{i}", " ".join(WORDS[w] for w in row), title))
    return Corpus("made", "made", lambda: iter(found), size)


def _explained(query: str, documents: Sequence[str]) -> dict[str, list[Match]]:
    """The second term is one that documents have been expanded by."""
    terms = query.split()
    expansions = [("document",) if n == 2 else () for n in range(1, len(terms) + 1)]
    matches = [
        Match(term, 1.0, 2.0, 2.0 / n, None, added)
        for n, (term, added) in enumerate(zip(terms, expansions, strict=True), 1)
    ]
    return dict.fromkeys(documents, matches)


def _cell(
    root: Path, dataset: str, i: int, qrels: Qrels, documents: int, random: np.random.Generator
) -> Measured:  # fmt: skip
    name = "bm25" if i == 0 else f"system-{i}"
    rankings, values = {}, {}
    for query, grades in qrels.items():
        order = random.permutation(documents)[:10] if documents <= 1000 else random.integers(0, documents, 14)
        ranking = list(dict.fromkeys(f"d{d}" for d in order.tolist()))[:10]
        best = next(iter(grades))
        place = int(random.geometric(0.12 + 0.01 * i)) - 1
        if place < 10:
            ranking = [d for d in ranking if d != best]
            ranking.insert(place, best)
        rankings[query] = Ranking(ranking[:10], np.linspace(20, 10, len(ranking[:10])).astype(np.float32))
        values[query] = round(1 / float(np.log2(place + 2)), 6) if place < 10 else 0.0
    run = Run(rankings)
    per_query = {m: {q: v ** (n + 1) for q, v in values.items()} for n, m in enumerate(MEASURES)}
    scores = Scores(
        {m: float(np.mean(list(v.values()))) for m, v in per_query.items()}, per_query, {}, len(qrels), 0, 0
    )
    command = f"dataset={dataset} retriever={name}"
    system = {
        "dataset": dataset, "split": "test", "corpus": "c0", "titles": "join", "queries": "q0", "judgments": "j0",
        "rules": RULES, "retriever": {"class": "VectorRetriever", "index": {"class": "Made", "number": i}}, "k": 1000,
    }  # fmt: skip
    key = fingerprint(system)
    folder = root / "runs" / dataset / f"{name}-{key}"
    folder.mkdir(parents=True)
    write_run(run, folder / "top.trec.gz", name)
    write_per_query(scores, folder / "per_query.tsv.gz")
    write_ranks(relevant_ranks(run, qrels, Rules()), folder / "ranks.tsv.gz")
    digest = hashlib.sha256((folder / "top.trec.gz").read_bytes()).hexdigest()
    summary = {
        "dataset": dataset, "split": "test", "retriever": name, "fingerprint": key, "queries": len(qrels),
        "missing_queries": 0, "facts": {}, "measures": dict(scores.means), "run_sha256": digest,
    }  # fmt: skip
    cost = {
        "build": {"build_s": 1.5 * (i + 1), "index_bytes": 1000 * documents * (i + 1), "documents": documents},
        "search": {"total_s": 0.25, "queries_per_s": 100.0},
        "latency": {"queries": 5, "total_ms": {"p50": 0.5 * 1.4**i, "p95": 0.9 * 1.4**i}},
        "peak_memory_bytes": 200_000_000 * (i + 1),
    }
    curves = {f"R@{k}": min(1.0, 0.2 + 0.1 * n + 0.01 * i) for n, k in enumerate((1, 10, 100, 1000))}
    curves |= {f"IPrec@{n / 10:.1f}": 0.8 - 0.05 * n + 0.01 * i for n in range(11)}
    files = {
        "scores": summary,
        "cost": cost,
        "curves": curves,
        "environment": {"processor": "made up", "python": "3.11"},
    }
    for file, content in files.items():
        (folder / f"{file}.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "system.yaml").write_text(yaml.safe_dump({"name": name, "command": command, **system}, sort_keys=False))
    return read_measured(folder)
