"""Peak memory of a block of work."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def peak_memory() -> Iterator[dict[str, int]]:
    """Resident bytes at the highest point inside the block, in `["bytes"]` afterwards.

    Linux can start a new count; where it cannot, the value is the process's peak since its start.
    """
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    found = {"bytes": 0}
    yield found
    try:
        status = Path("/proc/self/status").read_text()
        found["bytes"] = 1024 * int(status.split("VmHWM:")[1].split()[0])
    except (OSError, IndexError):
        found["bytes"] = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
