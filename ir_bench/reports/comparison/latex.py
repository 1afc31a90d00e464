"""A comparison as a LaTeX table (booktabs)."""

from __future__ import annotations

from itertools import groupby

from ir_bench.reports.comparison import wording
from ir_bench.reports.comparison.model import Comparison, Mean, Overall

_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "±": r"$\pm$", "≤": r"$\leq$", "−": r"$-$", "–": "--", "…": r"\ldots{}", "∞": r"$\infty$",
}  # fmt: skip


def latex(comparison: Comparison) -> str:
    """Means to four decimals, the best in bold, letters as superscripts, intervals below, the tests in the caption.

    Needs \\usepackage{booktabs}.
    """
    columns = [(d, m) for d in comparison.queries for m in comparison.measures]
    over = list(dict.fromkeys(row.measure for row in comparison.overall))
    totals = {(row.system, row.measure): row for row in comparison.overall}
    groups = [(_escape(name), len(list(group))) for name, group in groupby(columns, lambda column: column[0])]
    if over:
        groups.append((f"mean of {len(comparison.common)}", len(over)))
    rules, start = [], 3
    for _, width in groups:
        rules.append(rf"\cmidrule(lr){{{start}-{start + width - 1}}}")
        start += width
    names = [_escape(m) for _, m in columns] + [_escape(m) for m in over]
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        rf"\begin{{tabular}}{{@{{}}ll{'l' * len(names)}@{{}}}}",
        r"\toprule",
        " & & " + " & ".join(rf"\multicolumn{{{width}}}{{c}}{{{name}}}" for name, width in groups) + r" \\",
        " ".join(rules),
        " & System & " + " & ".join(names) + r" \\",
        r"\midrule",
    ]
    for system, letter in comparison.letters.items():
        cells = [_mean(comparison, d, m, system) for d, m in columns]
        cells += [_value(totals[system, m]) for m in over]
        lines.append(" & ".join([letter, _escape(system), *cells]) + r" \\")
        intervals = [_interval(comparison.mean(d, m, system)) for d, m in columns]
        intervals += [_interval(totals[system, m]) for m in over]
        lines.append(" & ".join(["", "", *intervals]).lstrip() + r" \\")
    said = [f"Below each mean its {100 * comparison.settings.level:g}% interval.", wording.note(comparison)]
    said += [wording.overall_note(comparison)] if over else []
    said += wording.average_lines(comparison, holes=False)
    said += [f"{note}." for note in comparison.notes]
    lines += [r"\bottomrule", r"\end{tabular}", rf"\caption{{{_escape(' '.join(said))}}}"]
    lines += [r"\label{tab:comparison}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _mean(comparison: Comparison, dataset: str, measure: str, system: str) -> str:
    mean = comparison.mean(dataset, measure, system)
    if mean is None:
        return "--"
    return _value(mean) + (rf"$^{{{mean.letters}}}$" if mean.letters else "")


def _value(row: Mean | Overall) -> str:
    return rf"\textbf{{{row.value:.4f}}}" if row.best else f"{row.value:.4f}"


def _interval(row: Mean | Overall | None) -> str:
    return "" if row is None else rf"{{\scriptsize {row.low:.4f}--{row.high:.4f}}}"


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in text)
