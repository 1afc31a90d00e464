"""Whether a measured value reproduces a published one."""

from __future__ import annotations

from dataclasses import dataclass

HOLDS, WITHIN_NOISE, DIFFERS, NOT_MEASURED = "holds", "within noise", "differs", "not measured"
VERDICTS = (HOLDS, WITHIN_NOISE, DIFFERS, NOT_MEASURED)
RULE = (
    f"**{HOLDS}**: ours differs from the published value by no more than half a unit of its last printed digit plus "
    f"the engine tolerance. **{WITHIN_NOISE}**: else, when the published value lies in the 95 % bootstrap interval of "
    f"ours over queries. **{DIFFERS}**: else. **{NOT_MEASURED}**: there is no result, for the reason given."
)
_ARITHMETIC = 1e-9  # 0.6789 - 0.67885 is not 0.00005 in binary


@dataclass(frozen=True)
class Outcome:
    """One published value with ours, its 95 % interval over queries and the verdict; `reason` where none is ours."""

    row: str
    column: str
    measure: str
    published: float
    decimals: int
    verdict: str
    ours: float | None = None
    low: float | None = None
    high: float | None = None
    queries: int | None = None
    command: str | None = None
    model: str = ""
    reason: str = ""

    @property
    def difference(self) -> float | None:
        return None if self.ours is None else self.ours - self.published


def verdict(published: float, ours: float, low: float, high: float, decimals: int, tolerance: float) -> str:
    """`decimals`: digits printed; `tolerance`: how far two correct engines may lie apart besides."""
    if abs(ours - published) <= 0.5 * 10**-decimals + tolerance + _ARITHMETIC:
        return HOLDS
    return WITHIN_NOISE if low <= published <= high else DIFFERS
