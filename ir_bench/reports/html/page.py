"""The page put together: template, style, scripts and evidence in one file."""

from __future__ import annotations

import base64
import gzip
import html
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from ir_bench.errors import InputError
from ir_bench.reports.html.cells import Group
from ir_bench.reports.html.container import packed
from ir_bench.reports.html.data import Data
from ir_bench.reports.html.explanations import Explainer, explanations
from ir_bench.reports.html.overview import overview
from ir_bench.reports.html.rankings import rankings
from ir_bench.reports.html.texts import texts

SCRIPTS = (
    *("container", "statistics", "elements", "state", "figures", "table", "front", "curves"),
    *("queries", "explain", "detail", "settings", "start"),
)


def page(
    groups: Sequence[Group],
    data: Mapping[str, Data],
    explainers: Mapping[str, Mapping[str, Explainer]],
    *,
    title: str = "",
    measures: Sequence[str] = (),
    date: str = "",
    version: str = "",
    text_bytes: int = 20_000_000,
) -> str:
    """The report as HTML. `data` and `explainers` are by the label of the group; the latter then by system.

    `measures` chooses and orders; empty: all that were scored. Nothing outside the file is loaded when it is opened.
    The same arguments give the same bytes. Raises InputError for no groups and for a measure that no system has.
    """
    if not groups:
        raise InputError("there is nothing to report", "at least one measured cell", "measure one with ir-bench run")
    chosen = _measures(groups, measures)
    sections, blocks = [], []
    for i, group in enumerate(groups):
        known = data.get(group.label, Data())
        sections.append(overview(group, known, chosen))
        seen = rankings(group, known, chosen)
        blocks.append((f"queries-{i}", packed(seen.block)))
        if known.dataset is not None:
            shown = texts(group, seen, known.dataset.corpus, text_bytes // len(groups))
            why = explanations(group, seen, explainers.get(group.label, {}), shown)
            blocks.append((f"texts-{i}", packed(shown)))
            blocks.append((f"why-{i}", packed(why)))
    title = title or _title(groups)
    head = packed({"title": title, "date": date, "version": version, "measures": chosen, "groups": sections})
    blocks = [("overview", head), *blocks, ("plotly", _plotly())]
    return _filled(
        {
            "title": html.escape(title),
            "lead": html.escape(_lead(groups, date)),
            "style": _file("style.css"),
            "plain": _plain(sections, chosen),
            "blocks": "\n".join(f'<script type="text/plain" id="{name}">{text}</script>' for name, text in blocks),
            "script": "\n".join(_file(f"{name}.js") for name in SCRIPTS),
        }
    )


def _filled(parts: Mapping[str, str]) -> str:
    """The template with each `{{name}}` replaced once; what is put in is not looked at again."""
    pieces = _file("template.html").split("{{")
    out = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}}")
        out += [parts[name], rest]
    return "".join(out)


def _file(name: str) -> str:
    return (resources.files("ir_bench.reports.html") / name).read_text(encoding="utf-8")


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()


def _measures(groups: Sequence[Group], wanted: Sequence[str]) -> list[str]:
    scored = list(dict.fromkeys(m for group in groups for cell in group.cells for m in cell.measured.per_query))
    unknown = [m for m in wanted if m not in scored]
    if unknown:
        raise InputError(
            f"{', '.join(unknown)} was not scored for any of these results", "one of: " + ", ".join(scored)
        )
    return list(dict.fromkeys(wanted)) or scored


def _systems(groups: Sequence[Group]) -> list[str]:
    return list(dict.fromkeys(cell.label for group in groups for cell in group.cells))


def _title(groups: Sequence[Group]) -> str:
    systems = _systems(groups)
    what = systems[0] if len(systems) == 1 else f"{len(systems)} retrieval systems"
    return f"{what} on {groups[0].label if len(groups) == 1 else f'{len(groups)} datasets'}"


def _lead(groups: Sequence[Group], date: str) -> str:
    queries = sum(len(group.queries) for group in groups)
    cells = sum(len(group.cells) for group in groups)
    runs = "1 run" if cells == 1 else f"{cells} runs"
    names = ", ".join(group.label for group in groups)
    return f"{runs} over {queries:,} judged queries: {names}." + (f" Made on {date}." if date else "")


def _plain(sections: Sequence[Mapping[str, Any]], measures: Sequence[str]) -> str:
    """The means as a table for a browser that runs no scripts."""
    head = "".join(f"<th scope=col>{html.escape(name)}</th>" for name in ("dataset", "system", *measures))
    rows = []
    for section in sections:
        for system in section["systems"]:
            values = [f"{system['means'][m][0]:.4f}" if m in system["means"] else "–" for m in measures]
            cells = "".join(f"<td>{html.escape(text)}</td>" for text in (section["label"], system["label"], *values))
            rows.append(f"<tr>{cells}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
