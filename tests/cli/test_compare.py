"""`ir-bench compare`, called as typer calls it."""

from __future__ import annotations

import csv
import io

import pytest
import typer
from reports.exports.cells import cell
from typer.testing import CliRunner

from ir_bench.cli.compare import compare
from ir_bench.datasets.sample import Sample
from ir_bench.errors import InputError
from ir_bench.evaluation.trec import write_run
from ir_bench.types import Run


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    app = typer.Typer()
    app.command()(compare)

    def call(*arguments: object) -> str:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return call


def rows(text: str, kind: str) -> list[dict[str, str]]:
    return [row for row in csv.DictReader(io.StringIO(text)) if row["kind"] == kind]


SETTINGS = ("dataset=sample", "retriever=bm25", "similarity.k1=0.9,2.0", "latency_queries=0")


def test_loose_settings_are_one_sweep_which_is_measured_once(call, tmp_path):
    first = call(*SETTINGS, "--format", "csv")
    assert [row["system"] for row in rows(first, "mean") if row["measure"] == "nDCG@10"] == [
        "bm25 k1=0.9",
        "bm25 k1=2.0",
    ]
    folders = list((tmp_path / "results").rglob("scores.json"))
    assert len(folders) == 2
    before = {path: path.stat().st_mtime_ns for path in folders}
    for path in (tmp_path / "results").rglob("run.trec.gz"):
        path.unlink()  # as in a fresh clone: kept results are compared without their runs
    assert call(*SETTINGS, "--format", "csv") == first
    assert {path: path.stat().st_mtime_ns for path in folders} == before


def test_settings_in_quotes_are_cells_and_a_baseline_may_be_named_as_it_was_given(call):
    one, two = "dataset=sample retriever=bm25", "dataset=sample retriever=bm25 similarity.k1=2.0"
    pairs = rows(call(one, two, "--baseline", one, "--format", "csv", "--measures", "AP"), "pair")
    assert [(p["system"], p["other"]) for p in pairs] == [("bm25 k1=2.0", "bm25")]


def test_the_terminal_names_tests_queries_and_their_texts(call):
    out = call(*SETTINGS, "--queries", "2")
    assert "after Holm's correction over 2 tests" in " ".join(out.split())
    assert "The 2 queries that differ most, by nDCG@10" in out
    text = Sample().load().queries
    assert sum(query in out for query in text.values()) == 2


@pytest.mark.parametrize(("form", "mark"), [("markdown", "|---|"), ("latex", r"\toprule"), ("csv", "kind,dataset")])
def test_forms_go_to_a_file(call, tmp_path, form, mark):
    call(cell(tmp_path), cell(tmp_path, name="dense", k=10), "--format", form, "-o", tmp_path / "out")
    assert mark in (tmp_path / "out").read_text(encoding="utf-8")


def test_run_files_are_scored_on_the_dataset(call, tmp_path):
    qrels = Sample().load().qrels
    for name, sign in (("good", 1), ("bad", -1)):
        run = Run.of({q: {d: float(sign * g) for d, g in grades.items()} for q, grades in qrels.items()})
        write_run(run, tmp_path / f"{name}.trec.gz", name)
    out = call("good.trec.gz", "bad.trec.gz", "--dataset", "sample", "--format", "csv", "--measures", "nDCG@10")
    means = {row["system"]: float(row["value"]) for row in rows(out, "mean")}
    assert means["good"] == 1 > means["bad"]
    with pytest.raises(InputError, match="run file") as raised:
        call("good.trec.gz", "bad.trec.gz")
    assert raised.value.fix == "add --dataset NAME"


def test_a_folder_above_several_results_names_them_all(call, tmp_path):
    cell(tmp_path / "runs")
    cell(tmp_path / "runs", name="dense", k=10)
    assert len(rows(call(tmp_path / "runs", "--format", "csv", "--measures", "AP"), "mean")) == 2


def test_errors(call, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="there are no results in"):
        call("empty", "empty")
    with pytest.raises(InputError, match="'nothing' is neither a file nor a folder nor settings"):
        call("nothing", "empty")
    with pytest.raises(InputError, match="there is no system named 'bm26'"):
        call(cell(tmp_path), cell(tmp_path, name="dense", k=10), "--baseline", "bm26")
    folder = cell(tmp_path / "other")
    with pytest.raises(InputError, match="nothing to compare"):
        call(folder, folder)
    with pytest.raises(InputError, match=r"nDCG@7 was not scored") as raised:
        call(cell(tmp_path / "a"), cell(tmp_path / "a", name="dense", k=10), "--measures", "nDCG@7")
    assert "measures=[nDCG@7]" in raised.value.fix
