"""What a build or a search costs: durations, sizes and counts of work, noted where they arise, read by the harness."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ledger: ContextVar[dict[str, float] | None] = ContextVar("ledger", default=None)


@contextmanager
def ledger() -> Iterator[dict[str, float]]:
    """Collects what is noted inside: seconds under names ending in `_s`, bytes under `…_bytes`, else counts of work."""
    notes: dict[str, float] = {}
    token = _ledger.set(notes)
    try:
        yield notes
    finally:
        _ledger.reset(token)


def note(name: str, amount: float) -> None:
    """Add an amount to a named cost; nothing happens outside a ledger."""
    notes = _ledger.get()
    if notes is not None:
        notes[name] = notes.get(name, 0) + amount


def put(name: str, value: float) -> None:
    """Note what does not add up, such as an error: the last value stays; nothing happens outside a ledger."""
    notes = _ledger.get()
    if notes is not None:
        notes[name] = value


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Note the wall-clock seconds of a block."""
    start = time.perf_counter()
    try:
        yield
    finally:
        note(name, time.perf_counter() - start)
