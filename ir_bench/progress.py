"""Progress bars for long work: shown on a terminal, silent elsewhere."""

from __future__ import annotations

from tqdm import tqdm


def bar(total: int | None, description: str, unit: str) -> tqdm:
    """A bar that counts `unit`s up to `total` (unknown: None) on stderr."""
    return tqdm(total=total, desc=description, unit=f" {unit}", unit_scale=True, disable=None, leave=False)
