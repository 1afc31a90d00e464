"""`ir-bench export` and `ir-bench import`, called as typer calls them."""

from __future__ import annotations

import json

import pytest
import typer
from reports.exports.cells import cell
from typer.testing import CliRunner

from ir_bench.cli.export import export
from ir_bench.cli.imports import import_
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import read_measured


def call(*arguments: object) -> str:
    app = typer.Typer()
    app.command("export")(export)
    app.command("import")(import_)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None:
        raise result.exception
    return result.output


@pytest.mark.parametrize("form", ["trec", "msmarco", "ir_metadata", "pyterrier", "ranx"])
def test_a_file_is_written_and_named(tmp_path, form):
    out = call("export", cell(tmp_path), "--format", form, "-o", tmp_path / "out")
    assert out.strip() == str(tmp_path / "out")
    assert (tmp_path / "out").stat().st_size > 0


@pytest.mark.parametrize("form", ["pyterrier", "ranx"])
def test_tables_come_back(tmp_path, form):
    folder = cell(tmp_path)
    call("export", folder, "--format", form, "-o", tmp_path / "table")
    call("import", tmp_path / "table", "--format", form, "-o", tmp_path / "means.json")
    means = json.loads((tmp_path / "means.json").read_text())
    assert means["bm25"]["nDCG@10"] == read_measured(folder).means["nDCG@10"]


def test_mteb_and_back(tmp_path):
    path = call("export", cell(tmp_path), "--format", "mteb", "-o", tmp_path / "out", "--model", "me/mine").strip()
    assert "me__mine" in path
    shown = call("import", path, "--format", "mteb")
    assert "SciFact test" in shown
    assert "nDCG@10" in shown


def test_a_run_of_several_folders_is_refused(tmp_path):
    folders = [cell(tmp_path), cell(tmp_path, "beir/nq")]
    with pytest.raises(InputError, match="one folder for trec"):
        call("export", *folders, "--format", "trec", "-o", tmp_path / "out")


def test_a_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        call("export", cell(tmp_path), "--format", "ranx", "-o", tmp_path / "nowhere" / "out.json")
