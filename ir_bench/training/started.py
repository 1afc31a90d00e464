"""A part that works on a collection must have been given it."""

from __future__ import annotations

from typing import TypeVar

from ir_bench.errors import InputError

T = TypeVar("T")


def require_started(state: T | None, part: object) -> T:
    """The state that `start` left. Raises InputError where it was not called."""
    if state is None:
        raise InputError(f"{type(part).__name__} was not started", "a collection to work on", "call start(…) first")
    return state
