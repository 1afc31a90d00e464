"""Checksums of files, remembered so that gigabytes are not read again at every start."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from ir_bench.datasets.places import cache_folder
from ir_bench.types import Document

SETTLED_NS = 2_000_000_000  # a file changed this recently may change again within the clock's grain: not remembered


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes as they are on disk, remembered per path, size and modification time."""

    def checksum() -> str:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    return _remembered(path, "bytes", checksum)


def content(path: Path, documents: Callable[[], Iterable[Document]]) -> str:
    """SHA-256 of the ids, titles and texts read from a file: the same however the collection is packed or laid out."""

    def checksum() -> str:
        digest = hashlib.sha256()
        for document in documents():
            line = json.dumps([document.id, document.title, document.text], ensure_ascii=False) + "\n"
            digest.update(line.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    return _remembered(path, "content", checksum)


def _remembered(path: Path, what: str, compute: Callable[[], str]) -> str:
    status = path.stat()
    key = f"{what}\0{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}"
    note = cache_folder() / "checksums" / hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    try:
        known = note.read_text(encoding="ascii").strip()
        if len(known) == 64:
            return known
    except (OSError, ValueError):
        pass
    checksum = compute()
    if time.time_ns() - status.st_mtime_ns > SETTLED_NS:
        remember(note, checksum)
    return checksum


def remember(note: Path, text: str) -> None:
    """Write a small file in one step; a cache that cannot be written to is only slower."""
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        writing = note.with_name(f"{note.name}.{os.getpid()}")
        writing.write_text(text, encoding="ascii")
        writing.replace(note)
    except OSError:
        pass
