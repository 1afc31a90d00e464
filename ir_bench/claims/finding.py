"""What a check found, and what that says about a claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

HOLDS, FAILS, UNDECIDED, NOT_MEASURED = "holds", "does not hold", "not decided", "not measured"
DIRECTIONS = ("at least", "at most", "within")
RULE = (
    f"**{HOLDS}**: the whole interval lies on the claimed side of the size. **{FAILS}**: the whole interval lies on "
    f"the other side. **{UNDECIDED}**: the size is inside the interval: more queries are needed. A claim of several "
    f"checks {HOLDS} when all do, and {FAILS} when one does not. Counts and bytes are exact: their interval is a point."
)


@dataclass(frozen=True)
class Finding:
    """A quantity with its interval (equal ends: exact), the p value of its test where there is one, the number of
    queries, and what is known per dataset."""

    value: float
    low: float
    high: float
    p: float | None = None
    test: str = ""
    queries: int = 0
    detectable: float | None = None
    per_dataset: Mapping[str, str] = field(default_factory=dict)


def decide(finding: Finding, direction: str, size: float) -> str:
    """The verdict on "the quantity is at least (at most, within ±) `size`"."""
    low, high = finding.low, finding.high
    if direction == "at most":
        low, high, size = -high, -low, -size
    if direction == "within":
        if -size <= low and high <= size:
            return HOLDS
        return FAILS if low > size or high < -size else UNDECIDED
    if low >= size:
        return HOLDS
    return FAILS if high < size else UNDECIDED


def together(verdicts: list[str]) -> str:
    """The verdict on a claim from those of its checks: all must hold, so no correction for their number is due, and one
    that does not hold decides, whatever the others would say."""
    for worst in (FAILS, NOT_MEASURED, UNDECIDED):
        if worst in verdicts:
            return worst
    return HOLDS
