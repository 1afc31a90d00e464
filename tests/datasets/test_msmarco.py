"""MS MARCO's layout and TREC Deep Learning's file names."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ir_bench.datasets.local import Local
from ir_bench.errors import InputError
from ir_bench.types import Document

COLLECTION = "0\tThe presence of communication\n1\tThe Manhattan Project\u2028and \x85 its\n7187158\t  blanks stay  \n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "msmarco"
    place.mkdir()
    (place / "collection.tsv").write_bytes(COLLECTION.encode())
    (place / "queries.dev.small.tsv").write_bytes(b"2\t Androgen receptor define\n3\tunjudged\n")
    (place / "qrels.dev.small.tsv").write_bytes(b"2\t0\t1\t1\n")
    return place


def test_the_official_files(folder: Path) -> None:
    dataset = Local(str(folder), split="dev-small").load()
    assert list(dataset.corpus) == [
        Document("0", "The presence of communication"),
        Document("1", "The Manhattan Project\u2028and \x85 its"),
        Document("7187158", "  blanks stay  "),
    ]
    assert dataset.queries == {"2": " Androgen receptor define"}
    assert dataset.qrels == {"2": {"1": 1}}


def test_packed(folder: Path) -> None:
    for path in list(folder.iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    dataset = Local(str(folder), split="dev-small").load()
    assert (len(list(dataset.corpus)), len(dataset.queries), dataset.qrels) == (3, 1, {"2": {"1": 1}})


@pytest.mark.parametrize(
    ("queries", "qrels"),
    [
        ("msmarco-test2019-queries.tsv", "2019qrels-pass.txt"),
        ("topics.dl19-passage.txt", "qrels.dl19-passage.txt"),
        ("queries.trec-dl-2019.tsv", "qrels/trec-dl-2019.tsv"),
    ],
)
def test_deep_learning_tracks(folder: Path, queries: str, qrels: str) -> None:
    (folder / queries).write_bytes(b"19335\tanthropological definition of environment\n")
    (folder / qrels).parent.mkdir(exist_ok=True)
    (folder / qrels).write_bytes(b"19335 Q0 0 3\n19335 Q0 1 0\n")
    dataset = Local(str(folder), split="trec-dl-2019").load()
    assert dataset.qrels == {"19335": {"0": 3, "1": 0}}
    assert list(dataset.queries) == ["19335"]


def test_jsonl_queries_beside_judgments_without_a_corpus(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "queries.dev-small.jsonl").write_bytes(b'{"_id": "2", "text": "androgen"}\n')
    (tmp_path / "qrels/dev-small.tsv").write_bytes(b"query-id\tcorpus-id\tscore\n2\t9\t1\n")
    source = Local(str(tmp_path), split="dev-small")
    assert source.load().queries == {"2": "androgen"}
    assert source.locate() is None
    assert [path.name for path in source.files()] == ["queries.dev-small.jsonl", "dev-small.tsv"]


@pytest.mark.parametrize("line", ["5", "5\ta\tb"])
def test_another_number_of_columns(folder: Path, line: str) -> None:
    (folder / "collection.tsv").write_bytes(f"{COLLECTION}{line}\n".encode())
    with pytest.raises(InputError, match=rf"collection\.tsv:4: {len(line.split())} columns") as raised:
        list(Local(str(folder), split="dev-small").load().corpus)
    assert "two columns" in raised.value.expected


def test_an_unknown_split_lists_the_known_ones(folder: Path) -> None:
    (folder / "2020qrels-pass.txt").write_bytes(b"1 0 1 1\n")
    with pytest.raises(InputError, match="has no split 'test'") as raised:
        _ = Local(str(folder)).load().qrels
    assert raised.value.expected == "one of: dev-small, trec-dl-2020"
