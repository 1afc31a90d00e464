"""A run file as a system to compare."""

from __future__ import annotations

from pathlib import Path

import pytest

from ir_bench.datasets.sample import Sample
from ir_bench.errors import InputError
from ir_bench.evaluation.run_file import measured_run_file, score_run_file

QRELS = Sample().load().qrels


def write(path: Path, exclude: str = "") -> Path:
    """The best-graded document of each query first."""
    lines = [
        f"{query} Q0 {document} {rank} {-rank} x\n"
        for query, grades in QRELS.items()
        for rank, document in enumerate(sorted(grades, key=lambda d: -grades[d])[:3], 1)
        if query != exclude
    ]
    path.write_text("".join(lines))
    return path


@pytest.mark.parametrize("name", ["mine.trec.gz", "mine.trec", "mine.txt", "mine.run", "mine"])
def test_it_is_called_after_its_file(tmp_path, name):
    import gzip

    path = write(tmp_path / "plain")
    if name.endswith(".gz"):
        (tmp_path / name).write_bytes(gzip.compress(path.read_bytes()))
    else:
        path.rename(tmp_path / name)
    assert measured_run_file(tmp_path / name, Sample().load(), ["nDCG@10"]).retriever == "mine"


def test_it_has_the_values_of_all_judged_queries_and_says_on_which_data(tmp_path):
    missing = next(iter(QRELS))
    measured = measured_run_file(write(tmp_path / "mine.trec", exclude=missing), Sample().load(), ["RR@10", "P@1"])
    assert measured.per_query["RR@10"][missing] == 0
    assert sum(measured.per_query["P@1"].values()) == len(QRELS) - 1
    assert set(measured.system) == {"queries", "judgments", "rules"}
    assert measured.command == ""
    assert measured.run is not None


def test_documents_with_the_id_of_their_query_are_dropped_where_the_dataset_says_so(tmp_path):
    from dataclasses import replace

    query, grades = next(iter(QRELS.items()))
    path = tmp_path / "self.trec"
    path.write_text(f"{query} Q0 {query} 1 2 x\n{query} Q0 {max(grades, key=lambda d: grades[d])} 2 1 x\n")
    data = Sample().load()
    dropping = replace(data, rules=replace(data.rules, exclude_self=True))
    assert score_run_file(path, data, ["RR@10"])[1].per_query["RR@10"][query] == 0.5
    assert score_run_file(path, dropping, ["RR@10"])[1].per_query["RR@10"][query] == 1


def test_a_run_of_other_queries_is_refused(tmp_path):
    path = tmp_path / "other.trec"
    path.write_text("nobody Q0 d1 1 1.0 x\n")
    with pytest.raises(InputError, match="answers none of the"):
        measured_run_file(path, Sample().load(), ["nDCG@10"])
