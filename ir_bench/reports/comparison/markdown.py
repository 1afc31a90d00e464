"""A comparison in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ir_bench.reports.comparison import wording
from ir_bench.reports.comparison.model import Comparison, Found, Gap


def markdown(comparison: Comparison, gaps: Sequence[Gap] = ()) -> str:
    """Means with superscript letters and the best in bold, pairs, means over datasets, the queries that differ most."""
    columns = [(d, m) for d in comparison.queries for m in comparison.measures]
    over = list(dict.fromkeys(row.measure for row in comparison.overall))
    heads = [f"{d} {m}" for d, m in columns] + [f"mean of {len(comparison.common)} {m}" for m in over]
    lines = _head(["", "system"], [_escape(head) for head in heads])
    totals = {(row.system, row.measure): row for row in comparison.overall}
    for system, letter in comparison.letters.items():
        cells = [_mean(comparison, d, m, system) for d, m in columns]
        cells += [_shown(t.value, t.low, t.high, t.best) for t in (totals[system, m] for m in over)]
        lines.append(_row([letter, _escape(system), *cells]))
    level = f"{100 * comparison.settings.level:g}%"
    lines += ["", f"In parentheses: {level} intervals. {_escape(wording.note(comparison))}"]
    if over:
        lines[-1] += f" {_escape(wording.overall_note(comparison))}"
    lines += [line for note in comparison.notes for line in ("", f"Note: {_escape(note)}.")]
    if comparison.pairs:
        lines += ["", *_pairs(comparison), "", _escape(wording.pair_note(comparison))]
    if comparison.overall:
        lines += ["", *_overall(comparison), "", _escape(wording.rank_note(comparison))]
    lines += [line for said in wording.average_lines(comparison) for line in ("", _escape(said))]
    if gaps:
        lines += ["", f"{_escape(wording.gaps_title(gaps))}:", ""]
        lines += [line for gap in gaps for line in _gap(gap)]
    return "\n".join(lines) + "\n"


def _mean(comparison: Comparison, dataset: str, measure: str, system: str) -> str:
    mean = comparison.mean(dataset, measure, system)
    if mean is None:
        return "–"
    return _shown(mean.value, mean.low, mean.high, mean.best, mean.letters)


def _shown(value: float, low: float, high: float, best: bool, letters: str = "") -> str:
    number = f"**{value:.4f}**" if best else f"{value:.4f}"
    return number + (f"<sup>{letters}</sup>" if letters else "") + f" ({low:.4f}–{high:.4f})"


def _pairs(comparison: Comparison) -> list[str]:
    level = f"{100 * comparison.settings.level:g}% interval"
    heads = ["difference", level, "p rand.", "p t", "d", "detectable", "p equivalence", "wins/ties/losses"]
    lines = _head(["dataset", "measure", "pair"], heads, ["verdict"])
    for p in comparison.pairs:
        lines.append(
            _row(
                [
                    _escape(p.dataset),
                    _escape(p.measure),
                    f"{_escape(p.system)} − {_escape(p.other)}",
                    wording.signed(p.difference),
                    f"{wording.signed(p.low)} … {wording.signed(p.high)}",
                    _escape(wording.p(p.randomisation_holm)),
                    _escape(wording.p(p.t_holm)),
                    wording.signed(p.cohens_d, 2),
                    wording.number(p.detectable),
                    _escape(wording.p(p.equivalence_holm)),
                    f"{p.wins}/{p.ties}/{p.losses}",
                    _escape(p.verdict),
                ]
            )
        )
    return lines


def _overall(comparison: Comparison) -> list[str]:
    level = f"{100 * comparison.settings.level:g}% interval"
    lines = _head(["measure", "system"], ["mean", level, "rank", "mean rank", f"rank, {level}"])
    for row in comparison.overall:
        ranks = f"{wording.rank(row.rank_low)}–{wording.rank(row.rank_high)}"
        interval = f"{row.low:.4f}–{row.high:.4f}"
        value = f"**{row.value:.4f}**" if row.best else f"{row.value:.4f}"
        rank = [wording.rank(row.rank), f"{row.mean_rank:.2f}", ranks]
        lines.append(_row([_escape(row.measure), _escape(row.system), value, interval, *rank]))
    return lines


def _gap(gap: Gap) -> list[str]:
    scores = ", ".join(f"{_escape(label)} {value:.4f}" for label, value in gap.values.items())
    text = f": {_escape(gap.text)}" if gap.text else ""
    lines = [f"1. {_escape(gap.dataset)} {_escape(gap.query)}{text} ({scores})"]
    for label, found in gap.found.items():
        shown = "; ".join(_found(f) for f in found) or "nothing found"
        lines.append(f"   - {_escape(label)}: {shown}")
    return lines


def _found(found: Found) -> str:
    return " ".join(filter(None, [wording.mark(found), _escape(found.document), _escape(found.text or "")]))


def _head(left: Sequence[str], right: Sequence[str], last: Sequence[str] = ()) -> list[str]:
    rule = "|" + "---|" * len(left) + "---:|" * len(right) + "---|" * len(last)
    return [_row([*left, *right, *last]), rule]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escape(text: str) -> str:
    """Text as it is: no Markdown, no HTML, no new cell, one line."""
    escaped = re.sub(r"([\\`*_\[\]|#~$])", r"\\\1", " ".join(text.split()))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
