"""A small results folder, written file by file as the harness writes it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import yaml

from ir_bench.evaluation.measures import evaluate
from ir_bench.evaluation.per_query import write_per_query
from ir_bench.evaluation.trec import write_run
from ir_bench.fingerprint import fingerprint
from ir_bench.types import Rules, Run

QRELS = {"q1": {"d1": 2, "d2": 1}, "q2": {"d2": 1, "d3": 0}}
SCORED = {"q1": {"d1": 2.0, "d3": 1.0}, "q2": {"d3": 2.0, "d2": 1.5}}
MEASURES = ["nDCG@10", "R@100", "RR@10", "AP", "P@10", "Success@5", "Judged@10"]
BM25 = {
    "class": "VectorRetriever",
    "encoder": {
        "class": "LexicalEncoder",
        "analyzer": {"class": "LuceneEnglish", "stop_words": True, "stemmer": "porter"},
    },
    "index": {"class": "InvertedIndex", "similarity": {"class": "LuceneBM25", "k1": 0.9, "b": 0.4}},
    "transforms": {},
    "ties": "lucene",
}
ENVIRONMENT = {
    "date": "2026-11-24", "python": "3.11.7", "system": "Linux x86_64", "processor": "A processor", "cores": 2,
    "accelerator": "none", "packages": {"ir-bench": "0.1.0", "numpy": "2.4.6"},
}  # fmt: skip


def cell(
    root: Path, dataset: str = "beir/scifact", name: str = "bm25", split: str = "test", retriever: dict | None = None,
    scored: dict | None = None, threshold: int = 1, facts: dict | None = None, whole: bool = True, **more: object,
) -> Path:  # fmt: skip
    """Write a cell below `root` and return its folder."""
    rules = Rules(relevance_threshold=threshold)
    run = Run.of(SCORED if scored is None else scored)
    scores = evaluate(run, QRELS, MEASURES, rules)
    system = {
        "dataset": dataset, "split": split, "corpus": "c0", "queries": "90", "judgments": "76",
        "rules": {"exclude_self": False, "relevance_threshold": threshold, "main_measure": "nDCG@10"},
        "retriever": BM25 if retriever is None else retriever, "k": 1000, **more,
    }  # fmt: skip
    key = fingerprint(system)
    folder = root / dataset / f"{name}-{key}"
    folder.mkdir(parents=True)
    write_run(run, folder / "run.trec.gz", name)
    digest = hashlib.sha256((folder / "run.trec.gz").read_bytes()).hexdigest()
    if not whole:
        (folder / "run.trec.gz").rename(folder / "top.trec.gz")
    write_per_query(scores, folder / "per_query.tsv.gz")
    content = {
        "dataset": dataset, "split": split, "retriever": name, "fingerprint": key, "queries": scores.queries,
        "missing_queries": scores.missing_queries, "facts": facts or {}, "measures": dict(scores.means),
        "run_sha256": digest,
    }  # fmt: skip
    (folder / "scores.json").write_text(json.dumps(content))
    cost = {"build": {"build_s": 1.5}, "search": {"total_s": 0.25}}
    (folder / "cost.json").write_text(json.dumps(cost))
    (folder / "environment.json").write_text(json.dumps(ENVIRONMENT))
    command = f"dataset={dataset} retriever={name}"
    (folder / "system.yaml").write_text(yaml.safe_dump({"name": name, "command": command, **system}, sort_keys=False))
    return folder
