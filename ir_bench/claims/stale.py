"""Whether a kept result is of the settings and data that would be measured now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ir_bench.evaluation.measured import Measured, StaleResult


def require_current(measured: Measured, now: Mapping[str, Any]) -> None:
    """Raises StaleResult naming every entry of system.yaml that differs from `now`, of those that `now` has."""
    before = {key: measured.system.get(key) for key in now}
    changes = [f"{name}: {old!r} when measured, {new!r} now" for name, old, new in differences(before, now)]
    if changes:
        raise StaleResult(
            f"{measured.folder} was measured with other settings or data: " + "; ".join(changes[:6]),
            "the settings and data of this version",
            f"delete the folder and measure again: ir-bench run {measured.command}",
        )


def differences(before: Any, now: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Leaves where two nested mappings or lists differ: path, value before, value now."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*before, *now]):
            yield from differences(before.get(key), now.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for i, (old, new) in enumerate(zip(before, now, strict=True)):
            yield from differences(old, new, f"{path}[{i}]")
    elif before != now:
        yield path, before, now
