"""A comparison on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ir_bench.reports.comparison import wording
from ir_bench.reports.comparison.model import Comparison, Gap, Mean, Pair

_WIDE = 10_000  # columns: more than any table needs


def terminal(comparison: Comparison, gaps: Sequence[Gap] = ()) -> RenderableType:
    """Means by dataset, pairs, means over datasets with ranks, the queries that differ most; each with what it is."""
    measures = list(comparison.measures)
    each = [_means(comparison, [measure]) for measure in measures]
    parts: list[RenderableType] = [
        _Fitting([_means(comparison, measures)], each),
        Text(wording.note(comparison), style="dim"),
    ]
    if comparison.pairs:
        whole = _pairs(comparison, "pairs", {**_FOUND, **_SIZE}, verdict=True)
        found = _pairs(comparison, "pairs", _FOUND, verdict=True)
        size = _pairs(comparison, "pairs: size and power", _SIZE, verdict=False)
        parts += [Text(), _Fitting([whole], [found, size])]
        parts += [Text(wording.pair_note(comparison), style="dim")]
    if comparison.overall:
        said = f"{wording.overall_note(comparison)} {wording.rank_note(comparison)}"
        parts += [Text(), _overall(comparison), Text(said, style="dim")]
    parts += [Text(line) for line in wording.average_lines(comparison)]
    parts += [Text(f"Note: {note}.") for note in comparison.notes]
    if gaps:
        parts += [Text(), Text(wording.gaps_title(gaps), style="italic")]
        parts += [line for gap in gaps for line in _gap(gap)]
    return Group(*parts)


class _Fitting:
    """The first of some layouts that the console is wide enough for, else the last: no number is cut off."""

    def __init__(self, *layouts: Sequence[Table]) -> None:
        self.layouts = layouts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[RenderableType]:
        for tables in self.layouts:
            chosen = tables
            wide = options.update(max_width=_WIDE)
            if all(Measurement.get(console, wide, table).maximum <= options.max_width for table in tables):
                break
        return list(chosen)


def _table(title: str, left: Sequence[str], right: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name in left:
        table.add_column(escape(name), overflow="fold")
    for name in right:
        table.add_column(escape(name), justify="right", no_wrap=True)
    return table


def _means(comparison: Comparison, measures: Sequence[str]) -> Table:
    level = f"{100 * comparison.settings.level:g}% interval"
    table = _table("means", ["dataset", "", "system"], [head for measure in measures for head in (measure, level)])
    for i in range(len(measures)):  # so that the points stand below one another whatever letters follow
        table.columns[3 + 2 * i].justify = "left"
    for dataset in comparison.queries:
        name = escape(dataset)
        for system, letter in comparison.letters.items():
            means = [comparison.mean(dataset, measure, system) for measure in measures]
            cells = [cell for mean in means if mean is not None for cell in _mean(mean)]
            if cells:
                table.add_row(name, letter, escape(system), *cells)
                name = ""
        table.add_section()
    return table


def _mean(mean: Mean) -> tuple[str, str]:
    value = f"[bold]{mean.value:.4f}[/bold]" if mean.best else f"{mean.value:.4f}"
    return f"{value} {mean.letters}", f"{mean.low:.4f}–{mean.high:.4f}"


# what is found first; the rest goes into a table of its own where the console is narrow
_FOUND: Mapping[str, Callable[[Pair], str]] = {
    "diff.": lambda pair: wording.signed(pair.difference),
    "interval": lambda pair: f"{wording.signed(pair.low)}…{wording.signed(pair.high)}",
    "p rand.": lambda pair: wording.p(pair.randomisation_holm),
}
_SIZE: Mapping[str, Callable[[Pair], str]] = {
    "p t": lambda pair: wording.p(pair.t_holm),
    "d": lambda pair: wording.signed(pair.cohens_d, 2),
    "detect-\nable": lambda pair: wording.number(pair.detectable),
    "p equiv-\nalence": lambda pair: wording.p(pair.equivalence_holm),
    "wins/ties/\nlosses": lambda pair: f"{pair.wins}/{pair.ties}/{pair.losses}",
}


def _pairs(comparison: Comparison, title: str, columns: Mapping[str, Callable[[Pair], str]], verdict: bool) -> Table:
    table = _table(title, ["dataset", "measure", "pair"], list(columns))
    table.columns[2].no_wrap = True
    if verdict:
        table.add_column("verdict", overflow="fold")
    above = ("", "")
    for pair in comparison.pairs:
        place = (pair.dataset, pair.measure)
        if above[0] not in ("", pair.dataset):
            table.add_section()
        shown = ["" if place == above else escape(name) for name in place]
        name = f"{comparison.letters[pair.system]}−{comparison.letters[pair.other]}"
        numbers = [cell(pair) for cell in columns.values()]
        table.add_row(*shown, name, *numbers, *([escape(pair.verdict)] if verdict else []))
        above = place
    return table


def _overall(comparison: Comparison) -> Table:
    level = f"{100 * comparison.settings.level:g}% interval"
    heads = ["mean", level, "rank", "mean rank", f"rank, {level}"]
    table = _table("over datasets", ["measure", "", "system"], heads)
    above = ""
    for row in comparison.overall:
        if above and row.measure != above:
            table.add_section()
        table.add_row(
            "" if row.measure == above else escape(row.measure),
            comparison.letters[row.system],
            escape(row.system),
            f"[bold]{row.value:.4f}[/bold]" if row.best else f"{row.value:.4f}",
            f"{row.low:.4f}–{row.high:.4f}",
            wording.rank(row.rank),
            f"{row.mean_rank:.2f}",
            f"{wording.rank(row.rank_low)}–{wording.rank(row.rank_high)}",
        )
        above = row.measure
    return table


def _gap(gap: Gap) -> list[RenderableType]:
    scores = "  ".join(f"{label} {value:.4f}" for label, value in gap.values.items())
    name = f"{gap.dataset} {gap.query}" + (f": {gap.text}" if gap.text else "")
    lines: list[RenderableType] = [Text(name, style="bold"), Text(f"  {scores}")]
    for label, found in gap.found.items():
        lines.append(Text(f"  {label}:" + ("" if found else " nothing found")))
        for i, document in enumerate(found, 1):
            text = f"    {i}. {wording.mark(document):<3}{document.document}  {document.text or ''}"
            lines.append(Text(text.rstrip()))
    return lines
