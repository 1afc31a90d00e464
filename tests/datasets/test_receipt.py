"""The receipt, against counts made by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from ir_bench.datasets.local import Local
from ir_bench.datasets.named import Named
from ir_bench.datasets.receipt import receipt
from ir_bench.errors import InputError
from ir_bench.types import Rules

DOCUMENTS = [
    {"_id": "1", "title": "Owls", "text": "hunt by night"},  # 18 characters with its title, 4 words
    {"_id": "2", "title": "", "text": "hunt"},  # 4 characters, 1 word
    {"_id": "3", "title": "Owls", "text": "hunt by night"},  # as 1
    {"_id": "4", "title": None, "text": " \u2003"},  # 2 characters, none visible
    {"_id": "5", "title": "", "text": "Owls hunt by night"},  # as 1 only once joined: another document
]
QUERIES = [
    {"_id": "1", "text": "owls"},  # a document's id, judged with itself
    {"_id": "3", "text": "night birds"},  # a document's id, judged with others only
    {"_id": "q", "text": " "},
    {"_id": "r", "text": "no judgments"},
]
QRELS = "1\t1\t2\n1\t2\t1\n3\t1\t1\n3\t99\t1\nq\t2\t0\nlost\t98\t2\nlost\t1\t1\n"


@pytest.fixture
def source(beir_folder: Callable[..., Path]) -> Local:
    folder = beir_folder(documents=DOCUMENTS, queries=QUERIES, qrels=QRELS)
    return Local(str(folder), rules=Rules(relevance_threshold=2))


def test_documents(source: Local) -> None:
    documents = receipt(source).documents
    assert documents is not None
    assert (documents.count, documents.empty, documents.duplicates, documents.repeated_ids) == (5, 1, 1, 0)
    assert documents.titled == 2 / 5
    assert documents.lengths.characters_mean == (18 + 4 + 18 + 2 + 18) / 5
    assert documents.lengths.words_mean == (4 + 1 + 4 + 0 + 4) / 5
    assert (documents.lengths.characters_max, documents.lengths.words_max) == (18, 4)


def test_queries(source: Local) -> None:
    queries = receipt(source).queries
    assert (queries.count, queries.judged, queries.unjudged, queries.empty) == (4, 3, 1, 1)
    assert (queries.named_as_a_document, queries.judged_with_themselves) == (2, 1)
    assert queries.without_relevant == 2  # 3 and q have no grade of 2 or more
    assert queries.lengths.characters_mean == (4 + 11 + 1 + 12) / 4


def test_judgments(source: Local) -> None:
    judgments = receipt(source).judgments
    assert (judgments.count, judgments.grades) == (7, {0: 1, 1: 4, 2: 2})
    assert judgments.relevant_per_query == 2 / 4
    assert (judgments.unknown_documents, judgments.unknown_document_examples) == (2, ["99", "98"])
    assert (judgments.unknown_queries, judgments.unknown_query_examples) == (2, ["lost"])


def test_files(source: Local) -> None:
    files = receipt(source).files
    assert [Path(file.path).name for file in files] == ["corpus.jsonl", "queries.jsonl", "test.tsv"]
    for file in files:
        content = Path(file.path).read_bytes()
        assert (file.bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_a_dataset_counts_as_its_source_but_for_what_it_left_out(source: Local) -> None:
    of_source, of_dataset = receipt(source), receipt(source.load())
    assert of_dataset.documents == of_source.documents
    assert of_dataset.judgments == of_source.judgments
    assert (of_dataset.queries.count, of_dataset.queries.unjudged, of_dataset.files) == (3, 0, [])


def test_repeated_ids_are_counted(beir_folder: Callable[..., Path]) -> None:
    folder = beir_folder(documents=[{"_id": i, "text": str(n)} for n, i in enumerate(["d1", "d1", "d2", "d1"])])
    documents = receipt(Local(str(folder))).documents
    assert documents is not None
    assert (documents.repeated_ids, documents.duplicates) == (2, 0)


def test_without_a_corpus(source: Local) -> None:
    Path(source.path, "corpus.jsonl").unlink()
    found = receipt(source)
    assert found.documents is None
    assert found.judgments.unknown_documents is None
    assert found.queries.named_as_a_document is None
    assert "no corpus found" in found.corpus_missing


def test_a_malformed_corpus_is_an_error(beir_folder: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"corpus\.jsonl:1: not JSON"):
        receipt(Local(str(beir_folder(documents="broken"))))


def test_it_prints_and_serialises(source: Local, beir_folder: Callable[..., Path]) -> None:
    found = receipt(source)
    again = json.loads(json.dumps(found.as_dict()))
    assert again["judgments"]["grades"] == {"0": 1, "1": 4, "2": 2}
    assert again["documents"]["lengths"]["words_max"] == 4
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(found.render())
    text = console.export_text()
    console.file.close()
    for shown in ("owls, split test", "2: 99, 98", "0: 1, 1: 4, 2: 2", "40.0%", "relevance_threshold 2"):
        assert shown in text


def test_another_count_than_published_is_shown(
    beir_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beir_folder("data/owls")
    monkeypatch.setenv("IR_BENCH_DATA", str(tmp_path / "data"))
    for documents, shown in ((3, False), (4, True)):
        rows = dict(receipt(Named("owls", ["owls"], documents=documents))._rows())
        assert ("NOT the published 4" in rows["documents"]) is shown
