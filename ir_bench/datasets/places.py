"""Where datasets are looked for and kept, and whether the network may be used."""

from __future__ import annotations

import os
from pathlib import Path


def data_folders() -> list[Path]:
    """The folders of `$IR_BENCH_DATA` (several as in $PATH): datasets that are already on this machine."""
    return [Path(folder).expanduser() for folder in os.environ.get("IR_BENCH_DATA", "").split(os.pathsep) if folder]


def cache_folder() -> Path:
    """`$IR_BENCH_CACHE`, else ~/.cache/ir_bench."""
    return Path(os.environ.get("IR_BENCH_CACHE") or Path.home() / ".cache" / "ir_bench")


def offline() -> bool:
    """Whether `IR_BENCH_OFFLINE` forbids downloads."""
    return os.environ.get("IR_BENCH_OFFLINE", "").strip().lower() in ("1", "true", "yes", "on")
