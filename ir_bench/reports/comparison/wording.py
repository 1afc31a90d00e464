"""Numbers, and the lines under a table, worded alike in every form."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ir_bench.reports.comparison.model import Comparison, Found, Gap


def p(value: float) -> str:
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def signed(value: float, digits: int = 4) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return f"{0:.{digits}f}"
    return f"{value:+.{digits}f}".replace("-", "−")


def number(value: float) -> str:
    return "∞" if math.isinf(value) else f"{value:.4f}"


def rank(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def note(comparison: Comparison) -> str:
    """Which tests, which correction, how many queries, resamples and the seed."""
    s = comparison.settings
    queries = ", ".join(f"{name} {count:,}" for name, count in comparison.queries.items())
    against = "every pair of systems" if s.baseline is None else f"each system against {s.baseline}"
    return (
        "Bold: the highest mean. Letters: significantly better than the systems of these letters (two-sided paired "
        f"randomisation test, all sign patterns or {s.permutations:,} random ones; p ≤ {s.alpha:g} after Holm's "
        f"correction over {_tests(s.tests)}: {against}, on each dataset and measure). {100 * s.level:g}% intervals: "
        f"percentile bootstrap over queries, {s.resamples:,} resamples. Seed {s.seed}. Queries: {queries}."
    )


def pair_note(comparison: Comparison) -> str:
    s = comparison.settings
    return (
        f"p: randomisation test and paired t test; equivalence: two one-sided t tests, margin ±{s.margin:g}; each kind "
        f"Holm-corrected over {_tests(s.tests)}. d: Cohen's, of paired differences. Detectable: the smallest true "
        f"difference that a paired t test over these queries finds with power 0.8 at {s.alpha:g}, uncorrected."
    )


def overall_note(comparison: Comparison) -> str:
    return (
        f"Unweighted mean over {len(comparison.common)} sets: {', '.join(comparison.common)}. Intervals of means: "
        "queries resampled within each set."
    )


def rank_note(comparison: Comparison) -> str:
    resamples = comparison.settings.rank_resamples
    return f"Intervals of ranks: sets resampled, and queries within them; {resamples:,} resamples."


def average_lines(comparison: Comparison, holes: bool = True) -> list[str]:
    """Typed averages, a line for each and measure; with `holes` also why there is none, a line for each reason."""
    values: dict[str, list[str]] = {}
    missing: dict[str, list[str]] = {}
    for a in comparison.averages:
        if a.value is not None:
            values.setdefault(f"{a.name} {a.measure}", []).append(f"{a.system} {a.value:.4f}")
        elif holes and a.system not in (known := missing.setdefault(f"{a.name}: {a.missing}", [])):
            known.append(a.system)
    lines = [f"{what}: {', '.join(found)}." for what, found in values.items()]
    for what, found in missing.items():
        lines.append(f"{what} (all systems)." if found == comparison.systems else f"{what} ({', '.join(found)}).")
    return lines


def gaps_title(gaps: Sequence[Gap]) -> str:
    count = "The query that differs" if len(gaps) == 1 else f"The {len(gaps)} queries that differ"
    graded = any(f.grade is not None for gap in gaps for found in gap.found.values() for f in found)
    signs = " (● relevant, ○ judged not relevant, with the grade)" if graded else ""
    return f"{count} most, by {gaps[0].measure}{signs}"


def mark(found: Found) -> str:
    """The judgment of a document: its sign and grade, nothing where it has none."""
    return "" if found.grade is None else f"{'●' if found.relevant else '○'}{found.grade}"


def _tests(count: int) -> str:
    return f"{count:,} test{'s' * (count != 1)}"
