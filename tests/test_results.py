"""The committed results have the stated shape, hold published values, and agree with themselves."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
from functools import cache
from pathlib import Path

import pytest
import yaml

from ir_bench.claims.command import split
from ir_bench.claims.paper_table import read_paper_table
from ir_bench.cli import experiments, reproduction
from ir_bench.cli.compose import options
from ir_bench.fingerprint import fingerprint

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "runs"
FOLDERS = sorted(p.parent for p in RESULTS.rglob("scores.json") if "sample" not in p.parts)

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


@cache
def by_command() -> dict[str, Path]:
    commands = [(yaml.safe_load((f / "system.yaml").read_text(encoding="utf-8"))["command"], f) for f in FOLDERS]
    assert len(dict(commands)) == len(commands), "one committed result for each command"
    return dict(commands)


@pytest.mark.parametrize(("dataset", "retriever"), PUBLISHED)
def test_published_values_are_reproduced(dataset, retriever):
    expected, tolerance, _ = PUBLISHED[dataset, retriever]
    folder = by_command()[f"dataset={dataset} retriever={retriever}"]
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))["measures"]
    assert {m: scores[m] for m in expected} == pytest.approx(expected, abs=tolerance)


def test_a_page_for_every_table_with_a_measured_value_and_every_claim():
    kept = experiments.kept(ROOT / "results")
    tables = {
        name
        for name, path in experiments.names("tables").items()
        if any(kept.by_command.get(experiments.named(c)) for c in direct(path))
    }
    assert {p.stem for p in (ROOT / "results" / "tables").glob("*.md")} == tables
    assert {p.stem for p in (ROOT / "results" / "tables").glob("*.json")} == tables
    assert {p.stem for p in (ROOT / "results" / "claims").glob("*.md")} == set(experiments.names("claims"))


def direct(path: Path) -> set[str]:
    """Commands of cells that are no averages, of retrievers that exist."""
    known = set(options("retriever"))
    commands = {cell.command for cell in read_paper_table(path).cells if cell.command and not cell.average}
    return {c for c in commands if next(w for w in split(c) if w.startswith("retriever="))[10:] in known}


@pytest.mark.parametrize("page", sorted((ROOT / "results" / "tables").glob("*.md")), ids=lambda page: page.stem)
def test_a_page_is_what_the_results_give(page, tmp_path):
    """All but the reasons for what was not measured, which depend on the machine's data and weights."""
    render(page.stem, tmp_path)
    again = (tmp_path / "results" / "tables" / page.name).read_text(encoding="utf-8")
    assert again.partition("## Not measured")[0] == page.read_text(encoding="utf-8").partition("## Not measured")[0]
    ours, committed = (
        json.loads(p.with_suffix(".json").read_text(encoding="utf-8"))
        for p in (tmp_path / "results" / "tables" / page.name, page)
    )
    assert ours["measured"] == committed["measured"]
    assert missing(ours) == missing(committed)


@pytest.mark.parametrize("page", sorted((ROOT / "results" / "claims").glob("*.md")), ids=lambda page: page.stem)
def test_a_claims_page_is_what_the_results_give(page, tmp_path, capsys):
    claim = (ROOT / "experiments" / "claims" / f"{page.stem}.yaml").read_text(encoding="utf-8")
    waits = "not measured yet" in page.read_text(encoding="utf-8")
    if (waits or "precomputed_sparse" in claim) and not os.environ.get("IR_BENCH_DATA"):
        pytest.skip("the collections, by which the page says what is missing, are not here")
    (tmp_path / "results" / "claims").mkdir(parents=True)
    shutil.copy(page, tmp_path / "results" / "claims")
    render(page.stem, tmp_path)
    if "left as it is" in capsys.readouterr().out.replace("\n", " "):
        pytest.skip("it takes whole runs, which are not committed: measure its cells")
    again = (tmp_path / "results" / "claims" / page.name).read_text(encoding="utf-8")
    assert again == page.read_text(encoding="utf-8")


def render(name: str, folder: Path) -> None:
    (folder / "results").mkdir(exist_ok=True)
    (folder / "results" / "runs").symlink_to(RESULTS)
    reproduction.one(name, [], folder / "results", dry_run=False, render=True, download=False)


def missing(data: dict) -> set[tuple[str, str]]:
    rows = [(row, columns) for rows in data["not_measured"].values() for row, columns in rows.items()]
    return {(row, column) for row, columns in rows for column in columns}


def test_the_readme_shows_committed_results():
    readme = (RESULTS.parents[1] / "README.md").read_text(encoding="utf-8")
    names = {}
    for command, folder in by_command().items():
        dataset, retriever, *settings = (word.partition("=")[2] for word in split(command))
        if settings == (["whitespace"] if dataset == "miracl-yo" else []):
            names[dataset, retriever] = folder
    shown = 0
    for line in readme.split("\n"):
        cells = [cell.strip().strip("`*") for cell in line.strip().strip("|").split("|")]
        if len(cells) >= 5 and (cells[0], cells[1]) in names:
            scores = json.loads((names[cells[0], cells[1]] / "scores.json").read_text(encoding="utf-8"))["measures"]
            values = [f"{scores[m]:.4f}" for m in ("nDCG@10", "R@100", "AP")]
            assert cells[2:5] == values, line
            shown += 1
    assert shown >= len(PUBLISHED)


def test_the_readmes_table_of_collections_is_what_was_measured():
    readme = (RESULTS.parents[1] / "README.md").read_text(encoding="utf-8")
    names = {
        tuple(word.partition("=")[2] for word in split(command)): folder for command, folder in by_command().items()
    }
    columns: list[str] = []
    shown = 0
    for line in readme.split("\n"):
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if cells[0] == "nDCG@10" and len(cells) > 3:
            columns = cells[1:]
            continue
        name = tuple(word.rpartition("=")[2] for word in cells[0].split())  # muvera encoder=minilm_colbert
        if columns and line.startswith("|") and len(cells) == len(columns) + 1 and (columns[0], *name) in names:
            for dataset, value in zip(columns, cells[1:], strict=True):
                scores = json.loads((names[dataset, *name] / "scores.json").read_text(encoding="utf-8"))["measures"]
                assert value == f"{scores['nDCG@10']:.4f}", (cells[0], dataset)
                shown += 1
        elif not line.startswith("|"):
            columns = []
    assert shown >= 54 + 15 + 30 + 30
