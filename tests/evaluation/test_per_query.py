"""The table of scores per query."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.evaluation.measures import Scores, evaluate
from ir_bench.evaluation.per_query import read_per_query, write_per_query
from ir_bench.types import Run


@pytest.fixture
def scores() -> Scores:
    return evaluate(
        Run.of({"q1": {"a": 2, "b": 1, "c": 0}}), {"q1": {"c": 1}, "q2": {"a": 1}}, ["RR@10", "nDCG(gains={1: 5})@10"]
    )


def test_what_is_written(tmp_path, scores):
    write_per_query(scores, tmp_path / "per_query.tsv")
    assert (tmp_path / "per_query.tsv").read_text() == (
        "query\tRR@10\tnDCG(gains={1: 5})@10\nq1\t0.3333333333333333\t0.5\nq2\t0.0\t0.0\n"
    )


def test_the_same_scores_give_the_same_bytes(tmp_path, scores):
    for name in ("one.tsv.gz", "two.tsv.gz"):
        write_per_query(scores, tmp_path / name)
    assert (tmp_path / "one.tsv.gz").read_bytes() == (tmp_path / "two.tsv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "one.tsv.gz").read_bytes()).startswith(b"query\tRR@10\t")
    assert read_per_query(tmp_path / "one.tsv.gz") == scores.per_query


query = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\n\r"))


@settings(deadline=None)
@given(st.dictionaries(query, st.floats(0, 1), max_size=5))
def test_reading_what_was_written_gives_the_values(tmp_path_factory, values):
    path = tmp_path_factory.getbasetemp() / "per_query.tsv.gz"
    doubled = {q: v * 2 for q, v in values.items()}
    write_per_query(Scores({}, {"AP": values, "RR": doubled}, {}, len(values), 0, 0), path)
    again = read_per_query(path)
    assert again == {"AP": values, "RR": doubled}
    assert list(again["AP"]) == list(values)


def test_ids_that_break_the_table_are_errors(tmp_path):
    scores = Scores({"AP": 1.0}, {"AP": {"a\tb": 1.0}}, {"AP": "AP"}, 1, 0, 0)
    with pytest.raises(InputError, match="contains a tab"):
        write_per_query(scores, tmp_path / "per_query.tsv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no scores"),
        ("topic\tAP\n", ":1: the first line is not a header"),
        ("query\tAP\nq1\n", ":2: zip"),
        ("query\tAP\nq1\t1.0\t2.0\n", ":2: zip"),
        ("query\tAP\nq1\tone\n", ":2: could not convert"),
        ("query\tAP\nq1\t1.0\nq1\t1.0\n", ":3: query 'q1' is given twice"),
    ],
)
def test_damaged_tables_are_errors(tmp_path, content, message):
    (tmp_path / "per_query.tsv").write_text(content)
    with pytest.raises(InputError, match=message):
        read_per_query(tmp_path / "per_query.tsv")
