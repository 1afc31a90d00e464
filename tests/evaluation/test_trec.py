"""Run files: what is accepted, what is refused with file and line, and that writing and reading change nothing."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.evaluation.measures import evaluate
from ir_bench.evaluation.trec import read_run, write_run
from ir_bench.types import Ranking, Run


def file(tmp_path, content: bytes | str, name="run.trec") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


SIX = "q1 Q0 a 1 2.5 t\nq1 Q0 b 2 1.5 t\nq2 Q0 a 1 1 t\n"
PACKED = gzip.compress(SIX.encode(), mtime=0)  # a test is named by it, in every process alike
EXPECTED = Run.of({"q1": {"a": 2.5, "b": 1.5}, "q2": {"a": 1.0}})


@pytest.mark.parametrize(
    "content",
    [
        SIX,
        SIX.replace(" ", "\t"),
        SIX.replace(" ", " \t  "),
        SIX.replace("\n", "\r\n"),
        SIX.rstrip("\n"),
        "# system: x\n\n" + SIX.replace("q2", "#\n   \nq2"),
        b"\xef\xbb\xbf" + SIX.encode(),
        PACKED,
        "q2 Q0 a 1 1 t\nq1 Q0 b 1 1.5 t\nq1 Q0 a 7 25e-1 other\n",  # ranks are not looked at, scores are
        SIX.replace("Q0", "0"),
    ],
)
def test_reads_six_columns(tmp_path, content):
    assert read_run(file(tmp_path, content)) == EXPECTED


def test_gzip_is_seen_from_the_content(tmp_path):
    assert read_run(file(tmp_path, PACKED, "run.txt")) == EXPECTED
    assert read_run(file(tmp_path, SIX, "run.gz")) == EXPECTED


def test_reads_three_columns_of_ms_marco(tmp_path):
    run = read_run(file(tmp_path, "300674\t7067032\t1\n300674\t2495755\t3\n300674\t11\t2\n"))
    assert run == Run.of({"300674": {"7067032": -1, "11": -2, "2495755": -3}})


def test_only_blanks_separate(tmp_path):
    """Ids may hold what Python takes for white space: a no-break space, U+2028, U+0085."""
    ids = ["a\u00a0b", "a\u2028b", "a\u0085b", "a\u3000b", "a\x1cb"]
    run = Run.of({i: {i: 1.0} for i in ids})
    write_run(run, tmp_path / "run.trec", "t")
    assert read_run(tmp_path / "run.trec") == run


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("q1 Q0 a 1 3.4028236e+38 t\n", r":1: the score '3.4028236e\+38'"),  # rounds to infinity in float32
        (SIX + "q1 Q0 c 3 t\n", r":4: 5 columns: 'q1 Q0 c 3 t'"),
        (SIX + "q1 a 3\n", r":4: 3 columns"),
        ("q1 a 3 2.0\n", r":1: 4 columns"),
        ("q1 Q0 a b 1 1.0 t\n", r":1: 7 columns"),
        ("q1 Q0 a 1 nan t\n", r":1: the score 'nan' is not a finite number"),
        ("# c\n\nq1 Q0 a 1 inf t\n", r":3: the score 'inf'"),
        ("q1 Q0 a 1 -Infinity t\n", r":1: the score '-Infinity'"),
        ("q1 Q0 a 1 1e39 t\n", r":1: the score '1e39'"),
        ("q1 Q0 a 1 1_000 t\n", r":1: the score '1_000'"),
        ("q1 Q0 a 1 1,5 t\n", r":1: the score '1,5'"),
        ("q1 Q0 a 1 ١ t\n", r":1: the score '١'"),  # a digit, elsewhere
        ("q1 a 1\nq1 b two\n", r":2: the rank 'two'"),
        ("q1 a 1\nq1 b 1.5\n", r":2: the rank '1.5'"),
        (SIX + "q2 Q0 b 2 0 t\nq1 Q0 a 3 0.5 t\n", r":5: document 'a' is given twice for query 'q1'"),
        ("", "holds no ranking"),
        ("# nothing\n\n", "holds no ranking"),
        (b"q1 Q0 caf\xe9 1 1.0 t\n", r":1: byte 0xe9 is not UTF-8"),
        (b"caf\xe9 Q0 a 1 1.0 t\n", r":1: byte 0xe9 is not UTF-8"),
        (PACKED[:-12], "the compressed file is damaged"),
        (PACKED[:20] + b"damage" + PACKED[26:], "is damaged"),
    ],
)
def test_errors_name_file_and_line(tmp_path, content, message):
    path = file(tmp_path, content)
    with pytest.raises(InputError, match=message) as error:
        read_run(path)
    assert str(path) in str(error.value)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"absent\.trec cannot be read: No such file"):
        read_run(tmp_path / "absent.trec")
    with pytest.raises(InputError, match="cannot be read"):
        read_run(tmp_path)


def test_what_is_written(tmp_path):
    run = Run.of({"q2": {"low": -1e-10, "a": 0.1, "b": 0.1}, "q1": {"x": 16777216.0, "y": 1e20, "z": 3.0}})
    write_run(run, tmp_path / "run.trec", "bm25")
    assert (tmp_path / "run.trec").read_text() == (
        "q2 Q0 b 1 0.1 bm25\nq2 Q0 a 2 0.1 bm25\nq2 Q0 low 3 -1e-10 bm25\n"
        "q1 Q0 y 1 1e+20 bm25\nq1 Q0 x 2 1.6777216e+07 bm25\nq1 Q0 z 3 3 bm25\n"
    )


def test_the_same_run_gives_the_same_bytes(tmp_path):
    run = Run.of({f"q{i}": {f"d{j}": i / (j + 1) for j in range(50)} for i in range(20)})
    write_run(run, tmp_path / "one.trec.gz", "t")
    first = (tmp_path / "one.trec.gz").read_bytes()
    assert first[:2] == b"\x1f\x8b"
    assert first[3:8] == bytes(5)  # no file name among the flags, time 0
    (tmp_path / "elsewhere").mkdir()
    write_run(run, tmp_path / "elsewhere" / "two.trec.gz", "t")
    assert (tmp_path / "elsewhere" / "two.trec.gz").read_bytes() == first


def test_all_or_nothing(tmp_path, monkeypatch):
    """A write that fails midway leaves the old file, and nothing beside it."""
    path = tmp_path / "run.trec"
    write_run(EXPECTED, path, "t")
    before = path.read_bytes()
    odd = Run({**EXPECTED.rankings, "q3": Ranking(["a", "b"], np.zeros(1, np.float32))})  # fails at its last query
    with pytest.raises(ValueError, match="zip"):
        write_run(odd, path, "t")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["run.trec"]


@pytest.mark.parametrize(
    ("run", "tag", "message"),
    [
        ({"q 1": {"a": 1}}, "t", "the query id 'q 1'"),
        ({"q": {"a\tb": 1}}, "t", r"the document id 'a\\tb'"),
        ({"q": {"a\n": 1}}, "t", "the document id"),
        ({"q": {"": 1}}, "t", "the document id ''"),
        ({"": {"a": 1}}, "t", "the query id ''"),
        ({"#1": {"a": 1}}, "t", "the query id '#1'"),
        ({"q": {"\ud800": 1}}, "t", "the document id"),
        ({"q": {"a": 1}}, "my run", "the tag 'my run'"),
        ({"q": {"a": 1}}, "", "the tag ''"),
    ],
)
def test_what_the_format_cannot_hold_is_an_error(tmp_path, run, tag, message):
    with pytest.raises(InputError, match=message):
        write_run(Run.of(run), tmp_path / "run.trec", tag)
    assert not list(tmp_path.iterdir())


ids = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" \t\n\r\v\f"), min_size=1)
queries = ids.filter(lambda q: q[0] not in "#\ufeff")
finite = st.floats(allow_nan=False, allow_infinity=False, width=32)
scored = st.dictionaries(queries, st.dictionaries(ids, finite, min_size=1, max_size=6), min_size=1, max_size=4)


@settings(deadline=None)
@given(scored, st.sampled_from(["run.trec", "run.trec.gz"]))
def test_reading_what_was_written_gives_the_run(scored, name):
    run = Run.of(scored)
    with tempfile.TemporaryDirectory() as folder:
        write_run(run, Path(folder) / name, "tag")
        again = read_run(str(Path(folder) / name))
    assert again == run
    assert list(again) == list(run)


@settings(deadline=None)
@given(st.lists(finite, min_size=1, max_size=50, unique=True))
def test_every_float32_survives(values):
    run = Run.of({"q": {f"d{i}": v for i, v in enumerate(values)}})
    with tempfile.TemporaryDirectory() as folder:
        write_run(run, Path(folder) / "run", "t")
        assert read_run(Path(folder) / "run")["q"].scores.tobytes() == run["q"].scores.tobytes()


def test_queries_without_results_are_lost_in_a_file_but_not_in_the_scores(tmp_path):
    run = Run.of({"q1": {"a": 1.0}, "q2": {}})
    write_run(run, tmp_path / "run.trec", "t")
    again = read_run(tmp_path / "run.trec")
    assert list(again) == ["q1"]
    qrels = {"q1": {"a": 1}, "q2": {"a": 1}}
    assert evaluate(again, qrels, ["RR@10"]) == evaluate(run, qrels, ["RR@10"])
