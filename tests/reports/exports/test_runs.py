"""Runs of results folders as files."""

from __future__ import annotations

import pytest
from reports.exports.cells import SCORED, cell

from ir_bench.errors import InputError
from ir_bench.evaluation.measured import read_measured
from ir_bench.evaluation.trec import read_run
from ir_bench.reports.exports.runs import write_measured_run
from ir_bench.types import Run


def test_a_trec_run_is_the_same_run(tmp_path):
    folder = cell(tmp_path)
    for name in ("run.txt", "run.gz"):
        write_measured_run(read_measured(folder), tmp_path / name)
        assert read_run(tmp_path / name) == Run.of(SCORED)
    assert (tmp_path / "run.txt").read_text().startswith("q1 Q0 d1 1 2 bm25\n")


def test_three_columns_for_ms_marco(tmp_path):
    write_measured_run(read_measured(cell(tmp_path)), tmp_path / "run.tsv", "msmarco")
    assert (tmp_path / "run.tsv").read_text() == "q1\td1\t1\nq1\td3\t2\nq2\td3\t1\nq2\td2\t2\n"


def test_the_head_of_a_run_is_not_passed_off_as_the_run(tmp_path):
    measured = read_measured(cell(tmp_path, whole=False))
    with pytest.raises(InputError, match="ir-bench run dataset=beir/scifact retriever=bm25 force=true"):
        write_measured_run(measured, tmp_path / "run.txt")
