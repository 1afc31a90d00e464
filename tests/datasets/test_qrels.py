"""Judgments in BEIR's and TREC's columns."""

from __future__ import annotations

from pathlib import Path

import ir_measures
import pytest

from ir_bench.datasets.qrels import collect, judgments
from ir_bench.errors import InputError


def read(path: Path, text: str) -> dict[str, dict[str, int]]:
    path.write_bytes(text.encode())
    return collect(judgments(path), str(path))


EXPECTED = {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": -1}}


@pytest.mark.parametrize(
    "text",
    [
        "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td2\t-1\n",
        "q1\td1\t2\nq1\td2\t0\nq2\td2\t-1\n",
        "q1 d1 2\nq1 d2 0\nq2 d2 -1\n",
        "q1 0 d1 2\nq1 0 d2 0\nq2 0 d2 -1",
        "q1\t0\td1\t2\nq1\t0\td2\t0\nq2\t0\td2\t-1\n",
        "q1  Q0\td1   2\r\nq1 Q0 d2 0\r\n\r\nq2 Q0 d2 -1\r\n",
        "qid\titeration\tdocid\trelevance\nq1\t0\td1\t2\nq1\t0\td2\t0\nq2\t0\td2\t-1\n",
    ],
    ids=["beir", "headerless", "blanks", "trec", "trec tabs", "mixed blanks", "trec with a header"],
)
def test_every_form_gives_the_same(tmp_path: Path, text: str) -> None:
    assert read(tmp_path / "qrels.txt", text) == EXPECTED


def test_trec_form_reads_as_ir_measures_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "qrels"
    rows = [(f"q{i % 7}", f"d{i * 31 % 101}", i % 4) for i in range(300)]
    unique = {(q, d): g for q, d, g in rows}
    mine = read(path, "".join(f"{q} 0 {d} {g}\n" for (q, d), g in unique.items()))
    theirs = {(q.query_id, q.doc_id): q.relevance for q in ir_measures.read_trec_qrels(str(path))}
    assert {(q, d): g for q, grades in mine.items() for d, g in grades.items()} == theirs


def test_ids_between_tabs_may_hold_blanks(tmp_path: Path) -> None:
    assert read(tmp_path / "q", "q 1\tdoc one\t1\n") == {"q 1": {"doc one": 1}}


def test_a_header_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"q:1: the grade 'high' is not an integer"):
        read(tmp_path / "q", "q1\td1\thigh\n")


@pytest.mark.parametrize("grade", ["1.0", "x", "1_0", "１"])
def test_a_grade_that_is_no_integer(tmp_path: Path, grade: str) -> None:
    with pytest.raises(InputError, match=rf"q:2: the grade '{grade}' is not an integer"):
        read(tmp_path / "q", f"q1\td1\t1\nq1\td2\t{grade}\n")


@pytest.mark.parametrize("line", ["q1\td1", "q1 0 d1 1 extra", "q1 0 d1 1"])
def test_another_number_of_columns(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError, match=rf"q:2: {len(line.split())} columns in a file of judgments") as raised:
        read(tmp_path / "q", f"q1\td1\t1\n{line}\n")
    assert raised.value.expected == "3 columns, as on the first line"


def test_a_file_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"q:1: 6 columns") as raised:
        read(tmp_path / "q", "q1 Q0 d1 1 12.5 run\n")
    assert "TREC" in raised.value.expected


def test_an_empty_id(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"q:1: an empty id"):
        read(tmp_path / "q", "q1\t\t1\n")


def test_no_judgments(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no judgments"):
        read(tmp_path / "q", "query-id\tcorpus-id\tscore\n")


def test_repeated_judgments_count_once_and_contradictions_are_refused(tmp_path: Path) -> None:
    assert read(tmp_path / "q", "q1\td1\t1\nq1\td1\t1\n") == {"q1": {"d1": 1}}
    with pytest.raises(InputError, match=r"q:3: document 'd1' is judged 2 for query 'q1', before it was judged 1"):
        read(tmp_path / "q", "q1\td1\t1\nq1\td2\t0\nq1\td1\t2\n")
