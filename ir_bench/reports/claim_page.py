"""A claim's page in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from ir_bench.claims.assessment import Assessed
from ir_bench.claims.claim import Claim
from ir_bench.claims.finding import RULE
from ir_bench.claims.quantities import candidates
from ir_bench.claims.resampled import RESAMPLES
from ir_bench.reports.citation import citation


def claim_page(claim: Claim, verdict: str, assessed: Sequence[Assessed]) -> str:
    """Statement, source, how the check differs from the paper's setting, what was found, the rule and the commands."""
    where = f", {claim.source['where']}" if claim.source.get("where") else ""
    lines = [
        f"# {claim.title}",
        "",
        f"**{verdict}**: {claim.statement}",
        "",
        f"Source: {citation(claim.source)}{where}.",
    ]
    if claim.setting:
        lines += ["", f"In the paper: {claim.setting}"]
    if claim.reduced:
        lines += ["", f"Here, reduced: {claim.reduced}"]
    lines += ["", "| check | quantity | claimed | found | interval | p | queries | verdict |"]
    lines += ["|---|---|---|---:|---|---|---:|---|"]
    lines += [_row(each, claim.level) for each in assessed]
    lines += [f"\n{each.check.name}: {NOT}: {each.reason}" for each in assessed if each.reason]
    for each in assessed:
        if each.finding is None or not each.finding.per_dataset:
            continue
        what = {"candidates": "depth of / over", "cost_ratio": "of / over"}.get(each.check.quantity, "per dataset")
        lines += ["", f"## {each.check.name}: {what}", "", "| dataset | value |", "|---|---:|"]
        lines += [f"| {name} | {value} |" for name, value in each.finding.per_dataset.items()]
        lines += ["", *_cells(each)]
        if each.finding.detectable is not None:
            lines += ["", f"Found with power 0.8 at these queries: differences from {each.finding.detectable:.4f}."]
    lines += [
        "",
        "## How the verdict is reached",
        "",
        f"{RULE} Intervals: {claim.level:.0%}, {RESAMPLES:,} bootstrap resamples of queries within each dataset "
        f"({candidates.RESAMPLES:,} for candidates), seed {claim.seed}; datasets weigh the same.",
    ]
    if claim.notes:
        lines += ["", *(f"- {note}" for note in claim.notes)]
    lines += ["", f"Measure and render again: `ir-bench reproduce {claim.name}`", ""]
    return "\n".join(lines)


NOT = "not measured"


def _row(each: Assessed, level: float) -> str:
    check, found = each.check, each.finding
    what = check.settings.get("measure") or check.settings.get("cost") or f"recall {check.settings.get('recall')}"
    head = f"| {check.name} | {check.quantity.replace('_', ' ')}: {what} | {check.direction} {check.size:g} |"
    if found is None:
        return f"{head} – | – | – | – | {each.verdict} |"
    p = "–" if found.p is None else ("<0.0001" if found.p < 0.0001 else f"{found.p:.4f}") + f" ({found.test})"
    ends = "exact" if found.low == found.high else f"[{found.low:.4f}, {found.high:.4f}]"
    return f"{head} {found.value:.4f} | {ends} | {p} | {found.queries or '–'} | {each.verdict} |"


def _cells(each: Assessed) -> list[str]:
    lines = []
    for role, cells in each.check.cells.items():
        shown = [cells] if isinstance(cells, str) else cells
        lines.append(f"- {role}: " + ", ".join(f"`{cell}`" for cell in shown))
    return lines
