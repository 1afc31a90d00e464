"""`ir-bench reproduce` over a small table and a claim on the bundled collection, called as typer calls it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

from ir_bench.cli import experiments
from ir_bench.cli.reproduce import reproduce
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import StaleResult

BM25 = 0.6652  # nDCG@10 of Lucene's BM25 on the bundled collection: tests/test_readme.py, by both engines
TABLE = {
    "title": "A table",
    "paper": {"title": "A paper", "authors": "Somebody", "year": 2026},
    "sources": [
        {"reference": "r", "measures": ["nDCG@10", "P@30", "AP"], "kind": "primary", "repo": "o/n", "decimals": 4}
    ],
    "tolerance": 0.0001,
    "tolerance_reason": "It is a test.",
    "columns": {"sample": "dataset=sample", "BEIR-13": {"average": "BEIR-13"}},
    "rows": {
        "right": {"cell": "retriever=bm25", "published": {"sample": {"nDCG@10": BM25}, "BEIR-13": {"nDCG@10": 0.43}}},
        "near": {"cell": "retriever=bm25", "published": {"sample": {"nDCG@10": 0.70}}},
        "wrong": {"cell": "retriever=bm25", "published": {"sample": {"nDCG@10": 0.1, "P@30": 0.9}}},
        "nowhere": {"cell": "retriever=bi_encoder encoder.model=nobody/nothing", "published": {"sample": {"AP": 0.5}}},
        "later": {"cell": "retriever=not_yet", "published": {"sample": {"nDCG@10": 0.5}}},
        "other": {"reason": "another engine", "published": {"sample": {"nDCG@10": 0.5}}},
    },
}  # fmt: skip
CLAIM = {
    "title": "A claim",
    "statement": "Saturation matters little.",
    "source": {"title": "A paper", "authors": ["Somebody"], "year": 2026},
    "datasets": ["sample"],
    "checks": [
        {
            "name": "k1", "quantity": "difference", "measure": "nDCG@10", "direction": "within", "size": 0.2,
            "cells": {"of": "retriever=bm25 similarity.k1=1.2", "over": "retriever=bm25"},
        }
    ],
}  # fmt: skip


def forget() -> None:
    """What a process found out about data, settings and weights; other tests have other data."""
    for value in vars(experiments).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()


@pytest.fixture
def call(tmp_path, monkeypatch):
    forget()
    for kind, name, content in (("tables", "a-table", TABLE), ("claims", "a-claim", CLAIM)):
        (tmp_path / "experiments" / kind).mkdir(parents=True)
        (tmp_path / "experiments" / kind / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    monkeypatch.setattr(experiments, "EXPERIMENTS", tmp_path / "experiments")
    monkeypatch.setenv("IR_BENCH_OFFLINE", "1")
    monkeypatch.delenv("IR_BENCH_DATA", raising=False)  # the average's datasets are not at hand
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(reproduce)

    def call(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, [*arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.output

    yield call
    forget()


def verdicts() -> dict[tuple[str, str, str], str]:
    data = json.loads(Path("results/tables/a-table.json").read_text())
    return {(m["row"], m["column"], m["measure"]): m["verdict"] for m in data["measured"]}


def test_the_plan_measures_nothing(call, tmp_path):
    out = call("a-table", "--dry-run")
    assert "dataset=sample retriever=bm25" in out
    assert "to measure" in out
    assert "the data of beir/arguana" in " ".join(out.split())
    assert "the weights of nobody/nothing" in " ".join(out.split())
    assert "retriever=not_yet is not part of this version" in " ".join(out.split())
    assert not (tmp_path / "results").exists()


def test_a_table_is_measured_judged_and_rendered_again_without_its_runs(call, tmp_path):
    out = call("a-table")
    assert "[1/1] sample × bm25: nDCG@10 0.6652" in out
    assert verdicts() == {
        ("right", "sample", "nDCG@10"): "holds",
        ("near", "sample", "nDCG@10"): "within noise",
        ("wrong", "sample", "nDCG@10"): "differs",
        ("wrong", "sample", "P@30"): "differs",  # not among the measures that are always scored
    }
    page = Path("results/tables/a-table.md").read_text()
    for reason in (
        "the average is not complete: 13 of 13 are missing",
        "the weights of nobody/nothing are not on the machine",
        "retriever=not_yet is not part of this version",
        "another engine",
    ):
        assert reason in page
    for run in tmp_path.rglob("run.trec.gz"):
        run.unlink()
    call("a-table", "--render")
    assert Path("results/tables/a-table.md").read_text() == page
    assert not list(tmp_path.rglob("run.trec.gz"))


def test_a_second_time_nothing_is_measured(call):
    call("a-table")
    out = call("a-table")
    assert "measured here" in out
    assert "[1/1]" not in out


def test_what_has_a_result_is_measured_again_unless_only_what_is_missing_is_asked_for(call, tmp_path):
    call("a-table")
    for run in tmp_path.rglob("run.trec.gz"):
        run.unlink()
    assert "[1/1]" not in call("a-table", "--missing")
    assert "[1/1] sample × bm25: nDCG@10 0.6652" in call("a-table")
    shutil.rmtree("results/runs")
    assert "[1/1] sample × bm25: nDCG@10 0.6652" in call("a-table", "--missing")


def test_a_measure_that_was_not_scored_is_scored_from_the_run(call, tmp_path):
    from ir_bench.cli.run import measure_cell

    measure_cell(["dataset=sample", "retriever=bm25"], tmp_path / "results")  # without P@30
    run = next(tmp_path.rglob("run.trec.gz"))
    written = run.stat().st_mtime_ns
    call("a-table")
    assert verdicts()["wrong", "sample", "P@30"] == "differs"
    assert run.stat().st_mtime_ns == written


def test_a_claim_is_measured_and_judged(call):
    out = call("a-claim")
    assert "results/claims/a-claim.md: holds" in " ".join(out.split())
    page = Path("results/claims/a-claim.md").read_text()
    assert "**holds**: Saturation matters little." in page
    assert "within 0.2" in page


def test_only_one_row_or_dataset(call):
    assert "nobody/nothing" not in call("a-table", "--only", "right", "--only", "near", "--dry-run")
    assert "beir/arguana" not in call("a-table", "--only", "sample", "--dry-run")
    with pytest.raises(InputError, match="--only nothing matches nothing"):
        call("a-table", "--only", "nothing", "--dry-run")


def test_the_list_counts(call):
    call("a-table")
    line = next(line for line in call("--list").splitlines() if " a-table" in line)
    assert line.split()[1:5] == ["1", "1", "2", "4"]


def test_a_result_of_other_settings_is_refused(call, tmp_path, monkeypatch):
    call("a-table")
    from ir_bench.similarities.lucene import LuceneBM25

    monkeypatch.setattr(LuceneBM25, "version", 99, raising=False)  # as a correction of the formula would
    experiments._described.cache_clear()
    try:
        with pytest.raises(StaleResult, match="was measured with other settings or data"):
            call("a-table", "--render")
    finally:
        monkeypatch.undo()
        experiments._described.cache_clear()


def test_a_cell_that_fails_is_told_and_the_others_are_measured(call, tmp_path):
    content = {**TABLE, "rows": {"broken": {**TABLE["rows"]["near"], "cell": "retriever=bm25 k=0"}, **TABLE["rows"]}}
    (tmp_path / "experiments" / "tables" / "a-table.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    out = call("a-table", code=2)
    assert "error: " in out
    assert verdicts()["right", "sample", "nDCG@10"] == "holds"
    assert "broken (sample)" in Path("results/tables/a-table.md").read_text()


def test_names_are_suggested(call):
    with pytest.raises(InputError, match="there is no table or claim named 'a-tabel'") as raised:
        call("a-tabel")
    assert "did you mean a-table" in raised.value.fix
    with pytest.raises(InputError, match="no table or claim was named"):
        call()


def test_a_cell_of_the_same_settings_as_another_is_told(call, tmp_path):
    rows = {"twice": {**TABLE["rows"]["near"], "cell": "retriever=bm25 k=1000"}, **TABLE["rows"]}
    (tmp_path / "experiments" / "tables" / "a-table.yaml").write_text(
        yaml.safe_dump({**TABLE, "rows": rows}, sort_keys=False)
    )
    call("a-table", "--only", "right")
    out = " ".join(call("a-table", code=2).split())
    assert "write the cell as `dataset=sample retriever=bm25`" in out


def test_a_claim_whose_runs_are_gone_keeps_its_page(call, tmp_path):
    check = {
        "name": "overlap", "quantity": "difference", "measure": "overlap@1/20", "direction": "within", "size": 1,
        "cells": {
            "of": "retriever=bm25 similarity.k1=1.2", "over": "retriever=bm25",
            "exact": "retriever=bm25 similarity.b=0.75",
        },
    }  # fmt: skip
    (tmp_path / "experiments" / "claims" / "a-claim.yaml").write_text(yaml.safe_dump({**CLAIM, "checks": [check]}))
    call("a-claim")
    page = Path("results/claims/a-claim.md").read_text()
    assert "**holds**" in page
    for run in Path("results").rglob("run.trec.gz"):  # as in a clone
        run.unlink()
    forget()
    assert "left as it is, holds" in " ".join(call("a-claim", "--render").split())
    assert Path("results/claims/a-claim.md").read_text() == page
    assert next(line for line in call("--list").splitlines() if " a-claim" in line).split()[1] == "holds"
