"""Checksums that are remembered, and forgotten when the file changes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from ir_bench.datasets import checksums
from ir_bench.datasets.checksums import identity, sha256
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


def test_several_files_have_one_identity(settled: Path, tmp_path: Path) -> None:
    other = tmp_path / "second"
    other.write_bytes(b"more")
    assert identity([settled]) == sha256(settled)
    assert len({identity([settled]), identity([settled, other]), identity([other, settled])}) == 3
