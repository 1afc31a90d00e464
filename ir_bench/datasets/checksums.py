"""Checksums of files, remembered so that gigabytes are not read again at every start."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from ir_bench.datasets.places import cache_folder

SETTLED_NS = 2_000_000_000  # a file changed this recently may change again within the clock's grain: not remembered


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes as they are on disk, remembered per path, size and modification time."""
    status = path.stat()
    key = f"{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}"
    note = cache_folder() / "checksums" / hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    try:
        known = note.read_text(encoding="ascii").strip()
        if len(known) == 64:
            return known
    except (OSError, ValueError):
        pass
    with open(path, "rb") as stream:
        checksum = hashlib.file_digest(stream, "sha256").hexdigest()
    if time.time_ns() - status.st_mtime_ns > SETTLED_NS:
        remember(note, checksum)
    return checksum


def identity(paths: Sequence[Path]) -> str:
    """The content of a corpus by one name: the file's SHA-256, or that of all checksums where there are several."""
    checksums = [sha256(path) for path in paths]
    return checksums[0] if len(checksums) == 1 else hashlib.sha256("\n".join(checksums).encode()).hexdigest()


def remember(note: Path, text: str) -> None:
    """Write a small file in one step; a cache that cannot be written to is only slower."""
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        writing = note.with_name(f"{note.name}.{os.getpid()}")
        writing.write_text(text, encoding="ascii")
        writing.replace(note)
    except OSError:
        pass
