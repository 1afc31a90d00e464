"""A corpus is read as a stream: memory stays far below its size."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from ir_bench.datasets.local import Local
from ir_bench.datasets.receipt import receipt

DOCUMENTS = 50_000
TEXT = "owls hunt by night " * 16  # about 300 characters, so the corpus is about 18 MB


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    beir, msmarco = tmp_path_factory.mktemp("beir"), tmp_path_factory.mktemp("msmarco")
    with open(beir / "corpus.jsonl", "w") as stream:
        stream.writelines(f'{{"_id": "d{i}", "title": "", "text": "{i} {TEXT}"}}\n' for i in range(DOCUMENTS))
    with gzip.open(msmarco / "collection.tsv.gz", "wt", compresslevel=1) as stream:
        stream.writelines(f"{i}\t{TEXT}\n" for i in range(DOCUMENTS))
    for folder in (beir, msmarco):
        (folder / "qrels").mkdir()
        (folder / "qrels/test.tsv").write_text("q\td1\t1\n")
    (beir / "queries.jsonl").write_text('{"_id": "q", "text": "t"}\n')
    (msmarco / "queries.test.tsv").write_text("q\tt\n")
    return {"beir": beir, "msmarco": msmarco}


def peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("layout", ["beir", "msmarco"])
def test_iterating_holds_one_document(folders: dict[str, Path], layout: str) -> None:
    count = 0

    def iterate() -> None:
        nonlocal count
        for _ in Local(str(folders[layout])).load().corpus:
            count += 1

    assert peak(iterate) < 1_000_000
    assert count == DOCUMENTS


def test_a_receipt_holds_a_few_bytes_a_document(folders: dict[str, Path]) -> None:
    receipt(Local(str(folders["beir"])))  # imports are not counted
    assert peak(lambda: receipt(Local(str(folders["beir"])))) < 1_000_000 + 40 * DOCUMENTS
