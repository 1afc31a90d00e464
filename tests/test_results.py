"""The committed results have the stated shape, hold published values, and agree with themselves."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
import yaml

from ir_bench.fingerprint import fingerprint

RESULTS = Path(__file__).parents[1] / "results" / "runs"
FOLDERS = sorted(p.parent for p in RESULTS.rglob("scores.json"))

# dataset, retriever: measure -> published value; tolerance; where it is published.
PUBLISHED = {
    ("beir/scifact", "bm25"): ({"nDCG@10": 0.6789, "R@100": 0.9253}, 0.0005, "Pyserini 2CR beir.yaml, flat"),
    ("beir/nfcorpus", "bm25"): ({"nDCG@10": 0.3218, "R@100": 0.2457}, 0.0005, "Pyserini 2CR beir.yaml, flat"),
    ("cacm-anserini", "bm25"): ({"AP": 0.3123}, 0.0005, "Anserini cacm.yaml"),
    ("beir/scifact", "minilm"): ({"nDCG@10": 0.64508}, 0.002, "MTEB results, all-MiniLM-L6-v2"),
    ("beir/nfcorpus", "minilm"): ({"nDCG@10": 0.31594}, 0.002, "MTEB results, all-MiniLM-L6-v2"),
}
PUBLISHED |= {(d, "lucene_bm25"): PUBLISHED[d, "bm25"] for d in ("beir/scifact", "beir/nfcorpus", "cacm-anserini")}


def folder_id(folder: Path) -> str:
    return folder.relative_to(RESULTS).as_posix()


@pytest.mark.parametrize("folder", FOLDERS, ids=folder_id)
def test_a_results_folder_is_whole(folder):
    names = {p.name for p in folder.iterdir()} - {"run.trec.gz"}
    assert names == {
        "system.yaml", "scores.json", "per_query.tsv.gz", "cost.json", "environment.json", "curves.json",
        "ranks.tsv.gz", "top.trec.gz",
    }  # fmt: skip
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    system = yaml.safe_load((folder / "system.yaml").read_text(encoding="utf-8"))
    name = system.pop("name")
    assert system.pop("command")
    assert scores["fingerprint"] == fingerprint(system)
    assert folder_id(folder) == f"{system['dataset']}/{name}-{scores['fingerprint']}"


@pytest.mark.parametrize("folder", FOLDERS, ids=folder_id)
def test_means_are_those_of_the_queries(folder):
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    lines = gzip.decompress((folder / "per_query.tsv.gz").read_bytes()).decode().rstrip("\n").split("\n")
    header, *rows = [line.split("\t") for line in lines]
    assert len(rows) == scores["queries"]
    for column, measure in enumerate(header[1:], 1):
        mean = sum(float(row[column]) for row in rows) / len(rows)
        assert mean == pytest.approx(scores["measures"][measure], abs=1e-6)


@pytest.mark.parametrize("folder", FOLDERS, ids=folder_id)
def test_nothing_names_the_machine(folder):
    for name in ("system.yaml", "scores.json", "cost.json", "environment.json"):
        text = (folder / name).read_text(encoding="utf-8")
        assert not re.search(r"""(?:^|[\s"'=])/\w+/""", text), "an absolute path"


@pytest.mark.parametrize(("dataset", "retriever"), PUBLISHED)
def test_published_values_are_reproduced(dataset, retriever):
    expected, tolerance, _ = PUBLISHED[dataset, retriever]
    found = [f for f in FOLDERS if folder_id(f).startswith(f"{dataset}/{retriever}-")]
    assert len(found) == 1, "one committed result for each published cell"
    scores = json.loads((found[0] / "scores.json").read_text(encoding="utf-8"))["measures"]
    assert {m: scores[m] for m in expected} == pytest.approx(expected, abs=tolerance)


def test_the_readme_shows_committed_results():
    readme = (RESULTS.parents[1] / "README.md").read_text(encoding="utf-8")
    names = {(f.parent.relative_to(RESULTS).as_posix(), f.name.rpartition("-")[0]): f for f in FOLDERS}
    shown = 0
    for line in readme.split("\n"):
        cells = [cell.strip().strip("`*") for cell in line.strip().strip("|").split("|")]
        if len(cells) >= 5 and (cells[0], cells[1]) in names:
            scores = json.loads((names[cells[0], cells[1]] / "scores.json").read_text(encoding="utf-8"))["measures"]
            values = [f"{scores[m]:.4f}" for m in ("nDCG@10", "R@100", "AP")]
            assert cells[2:5] == values, line
            shown += 1
    assert shown >= len(PUBLISHED)
