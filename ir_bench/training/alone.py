"""One process at a time trains into a folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def alone(checkpoints: Path) -> Iterator[None]:
    """Holds a training's folder of checkpoints; while another process trains into it, says so on stderr and waits."""
    checkpoints.mkdir(parents=True, exist_ok=True)
    lock = FileLock(checkpoints / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"waiting for another process that trains into {checkpoints.parent}", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
