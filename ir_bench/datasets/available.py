"""Which datasets are on this machine, and where the others would come from: the data behind `ir-bench datasets`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Availability:
    """One dataset: the folder it was found in, else its source and the bytes to download where they are known."""

    name: str
    found: Path | None
    source: str
    download_bytes: int | None = None


def availability(name: str, source: Any) -> Availability:
    """Looks on this machine only. A source without `locate` and `describe_source` is reported as not known."""
    found = source.locate() if hasattr(source, "locate") else None
    described = source.describe_source() if hasattr(source, "describe_source") else type(source).__qualname__
    size = source.download_bytes() if hasattr(source, "download_bytes") else None
    return Availability(name, found, described, size)
