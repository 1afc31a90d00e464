"""`ir-bench conventions`, called as typer calls it."""

from __future__ import annotations

import csv
import io

import pytest
import typer
from typer.testing import CliRunner

from ir_bench.cli.conventions import conventions
from ir_bench.datasets.sample import Sample
from ir_bench.errors import InputError
from ir_bench.evaluation.measures import evaluate
from ir_bench.evaluation.trec import read_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Three equal scores a query for the first queries of the bundled collection; the others are not answered."""
    path = tmp_path_factory.mktemp("run") / "run.txt"
    lines = []
    for query, grades in list(Sample().load().qrels.items())[:10]:
        lines += [f"{query} Q0 {document} 1 1.0 x\n" for document in [*grades][:3]]
    path.write_text("".join(lines))
    return path


@pytest.fixture
def call(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    app.command()(conventions)

    def call(*arguments: str) -> str:
        result = CliRunner().invoke(app, [str(run), "--dataset", "sample", *arguments])
        if result.exception is not None:
            raise result.exception
        return result.output

    return call


def test_the_table_and_the_reasons(call):
    out = call("--measures", "nDCG@10,AP", "--rules")
    assert "sentence-" in out
    assert "queries without results left out of the mean" in out
    assert "Pyserini: no difference in any of these measures" in out
    assert "BEIR: equal float32 scores" in out


def test_csv_has_our_own_scores_in_full(call, run):
    rows = {
        row["measure"]: row for row in csv.DictReader(io.StringIO(call("--format", "csv", "--measures", "AP,R@100")))
    }
    data = Sample().load()
    means = evaluate(read_run(run), data.qrels, ["AP", "R@100"], data.rules).means
    for measure, mean in means.items():
        assert float(rows[measure]["ir_bench"]) == pytest.approx(mean, abs=1e-9)


def test_markdown(call):
    lines = call("--format", "markdown", "--measures", "RR@10,R_cap@100").splitlines()
    assert lines[0] == "| measure | ir_bench | trec_eval | BEIR | Pyserini | MTEB | sentence-transformers |"
    assert lines[3].count("–") == 4  # only BEIR caps recall
    assert any(line.startswith("- ") for line in lines)


def test_an_unknown_measure_is_refused(call):
    with pytest.raises(InputError, match="Judged@10"):
        call("--measures", "Judged@10")
