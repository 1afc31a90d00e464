"""Real collections, counted and compared with what their providers publish. IR_BENCH_DATA names their folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from ir_bench.datasets.local import Local
from ir_bench.datasets.receipt import receipt

# Folder, split, documents, queries judged, judgments, grades. Published counts: BEIR paper Table 1 and ir_datasets
# 0.6.3 (scifact, nfcorpus), Glasgow IDOM's classic collections, MIRACL 1.0; the README beside the collections.
COUNTS = [
    ("scifact", "test", 5183, 300, 339, {1}),
    ("scifact", "train", 5183, 809, 919, {1}),
    ("nfcorpus", "train", 3633, 2590, 110_575, {1}),
    ("nfcorpus", "dev", 3633, 324, 11_385, {1, 2}),
    ("nfcorpus", "test", 3633, 323, 12_334, {1, 2}),
    ("cacm", "test", 3204, 52, 796, {1}),
    ("cacm-anserini", "test", 3204, 52, 796, {1}),
    ("cranfield", "test", 1400, 225, 1837, {0, 1, 2, 3, 4}),
    ("vaswani", "test", 11_429, 93, 2083, {1}),
    ("med", "test", 1033, 30, 696, {1}),
    ("lisa", "test", 5999, 35, 379, {1}),
    ("time", "test", 423, 83, 324, {1}),
    ("adi", "test", 82, 35, 170, {1}),
    ("miracl-yo", "dev", 49_043, 119, 1188, {0, 1}),
    ("msmarco-dl19-sample", "test", 5000, 43, 4102, {1, 2, 3}),
]
TOPICS = [
    ("dev-small", 6980, 6980, 7437, {1}),
    ("trec-dl-2019", 43, 43, 9260, {0, 1, 2, 3}),
    ("trec-dl-2020", 200, 54, 11_386, {0, 1, 2, 3}),
]


@pytest.mark.parametrize(("name", "split", "documents", "queries", "judgments", "grades"), COUNTS)
def test_counts(
    data_folder: Path, name: str, split: str, documents: int, queries: int, judgments: int, grades: set[int]
) -> None:
    found = receipt(Local(str(data_folder / name), split=split))
    assert found.documents is not None
    assert (found.documents.count, found.documents.repeated_ids) == (documents, 0)
    assert (found.queries.judged, found.judgments.count) == (queries, judgments)
    assert set(found.judgments.grades) == grades
    assert found.judgments.unknown_queries == 0
    # 55 judgments name CACM-756 and the like, where the documents are called CACM-0756.
    assert found.judgments.unknown_documents == (55 if name == "cacm-anserini" else 0)
    assert found.documents.empty == (2 if name == "cranfield" else 0)  # 471 and 995


@pytest.mark.parametrize(("split", "queries", "judged", "judgments", "grades"), TOPICS)
def test_topics_without_a_corpus(
    data_folder: Path, split: str, queries: int, judged: int, judgments: int, grades: set[int]
) -> None:
    found = receipt(Local(str(data_folder / "msmarco-topics"), split=split))
    assert (found.queries.count, found.queries.judged, found.judgments.count) == (queries, judged, judgments)
    assert set(found.judgments.grades) == grades
    assert found.documents is None


def test_scifact_is_beir_s_byte_for_byte(data_folder: Path) -> None:
    """Written back in BEIR's own form the corpus is BEIR's corpus.jsonl: 8,106,566 bytes with the SHA-256 that the LFS
    pointer of a published copy of that file names."""
    digest, size = hashlib.sha256(), 0
    for document in Local(str(data_folder / "scifact")).load().corpus:
        row = {"_id": document.id, "title": document.title, "text": document.text, "metadata": {}}
        line = (json.dumps(row) + "\n").encode()
        digest.update(line)
        size += len(line)
    assert size == 8_106_566
    assert digest.hexdigest() == "dec31c8182f3d744c7d2c09423756fd1d17cbef75808db13ba01cc0aab4d1ac6"


def test_queries_with_the_ids_of_documents(data_folder: Path) -> None:
    """Why MIRACL must not drop identical ids, and why BEIR's SciFact may."""
    miracl = receipt(Local(str(data_folder / "miracl-yo"), split="dev"))
    assert (miracl.queries.named_as_a_document, miracl.queries.judged_with_themselves) == (119, 46)
    assert receipt(Local(str(data_folder / "scifact")).load()).queries.named_as_a_document == 0


@pytest.mark.parametrize("name", ["nfcorpus", "miracl-yo"])
def test_every_character_is_read_as_python_s_own_reader_reads_it(data_folder: Path, name: str) -> None:
    import gzip

    with gzip.open(data_folder / name / "corpus.jsonl.gz", "rb") as stream:
        expected = [json.loads(line) for line in stream.read().split(b"\n") if line]
    corpus = Local(str(data_folder / name)).load().corpus
    assert [(d.id, d.title, d.text) for d in corpus] == [(r["_id"], r["title"], r["text"]) for r in expected]
