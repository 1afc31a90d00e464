"""Checksums that are remembered, and forgotten when the file changes."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from pathlib import Path

import pytest

from ir_bench.datasets import beir, checksums
from ir_bench.datasets.checksums import content, sha256
from ir_bench.datasets.places import cache_folder


@pytest.fixture
def settled(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(b"content")
    os.utime(path, ns=(1_000, 1_000_000_000))
    return path


def test_it_is_the_sha256_of_the_bytes(settled: Path) -> None:
    assert sha256(settled) == hashlib.sha256(b"content").hexdigest()


def test_it_is_not_computed_again(settled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sha256(settled)
    monkeypatch.setattr(checksums.hashlib, "file_digest", None)
    assert sha256(settled) == first


def test_another_content_of_the_same_size_is_seen(settled: Path) -> None:
    first = sha256(settled)
    settled.write_bytes(b"CONTENT")
    assert sha256(settled) == hashlib.sha256(b"CONTENT").hexdigest() != first


def test_a_file_written_just_now_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "fresh"
    path.write_bytes(b"1")
    sha256(path)
    assert not (cache_folder() / "checksums").exists()


def test_a_damaged_note_is_ignored(settled: Path) -> None:
    first = sha256(settled)
    (note,) = (cache_folder() / "checksums").iterdir()
    note.write_text("half a checks")
    assert sha256(settled) == first


def test_a_cache_that_cannot_be_written_to(settled: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IR_BENCH_CACHE", str(tmp_path / "file" / "below"))
    assert sha256(settled) == hashlib.sha256(b"content").hexdigest()


def test_the_content_is_the_same_however_it_is_packed(tmp_path: Path) -> None:
    line = '{"_id": "1", "title": "t\u00e9", "text": "x\u2028y"}\n'
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "corpus.jsonl").write_text(line, encoding="utf-8")
    unlike = json.dumps({"_id": 1, "metadata": {}, **{k: v for k, v in json.loads(line).items() if k != "_id"}})
    (tmp_path / "b" / "corpus.jsonl.gz").write_bytes(gzip.compress(unlike.encode() + b"\n"))
    (tmp_path / "b" / "other.jsonl").write_text(line.replace("y", "Y"), encoding="utf-8")
    first, packed, other = (
        content(p, lambda p=p: beir.documents(p))
        for p in (tmp_path / "a" / "corpus.jsonl", tmp_path / "b" / "corpus.jsonl.gz", tmp_path / "b" / "other.jsonl")
    )
    assert first == packed != other
    by_hand = '["1", "t\u00e9", "x\u2028y"]\n'.encode()
    assert first == hashlib.sha256(by_hand).hexdigest()
