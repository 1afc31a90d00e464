"""Results as terminal tables: effectiveness and cost in one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from ir_bench.evaluation.measures import Scores
from ir_bench.results import Result


def line(result: Result) -> str:
    """One finished cell as one line of text."""
    shown = [m for m in dict.fromkeys([result.main_measure, "nDCG@10", "R@100"]) if m in result.scores]
    numbers = "  ".join(f"{m} {result.scores[m]:.4f}" for m in shown)
    state = "already measured, nothing computed" if result.reused else "measured"
    return f"{result.dataset} × {result.retriever}: {numbers}  ({state}: {result.folder})"


def comparison(results: Sequence[Result]) -> Table:
    """Cells with nDCG@10, R@100, the dataset's main measure and what they cost, best value of each dataset bold."""
    measures = list(dict.fromkeys(["nDCG@10", "R@100", *(r.main_measure for r in results)]))
    table = Table(
        title="effectiveness and cost", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )
    for name in ("dataset", "retriever"):
        table.add_column(name, overflow="fold", min_width=9)
    for name in (*measures, *COSTS):
        table.add_column(name, justify="right", no_wrap=True, min_width=4)
    for result in results:
        rivals = [r for r in results if r.dataset == result.dataset]
        cells = []
        for measure in measures:
            value = result.scores.get(measure)
            text = "–" if value is None else f"{value:.4f}"
            best = value is not None and value == max(r.scores.get(measure, -1) for r in rivals) and len(rivals) > 1
            cells.append(f"[bold]{text}[/bold]" if best else text)
        table.add_row(result.dataset, result.retriever, *cells, *costs(result.cost))
    return table


COSTS = ("build\ns", "index\nB/doc", "query\nms", "95 %\nms", "batch\n1/s", "peak\nMB")


def costs(cost: Mapping[str, Any]) -> list[str]:
    """Build seconds, index bytes per document, median and 95th percentile of the time for one query, queries per
    second asked together, peak memory."""
    if not cost:
        return ["–"] * len(COSTS)
    build, latency = cost["build"], cost["latency"].get("total_ms")
    per_document = build["index_bytes"] / build["documents"] if build.get("index_bytes") else None
    return [
        f"{build['build_s']:.1f}",
        "–" if per_document is None else f"{per_document:,.0f}",
        "–" if latency is None else f"{latency['p50']:.1f}",
        "–" if latency is None else f"{latency['p95']:.1f}",
        f"{cost['search']['queries_per_s']:,.0f}",
        f"{cost['peak_memory_bytes'] / 1e6:,.0f}",
    ]


def scores_table(rows: Mapping[str, Scores], dataset: str) -> Table:
    """Scores of several runs on one dataset, and how many judged queries each left without an answer."""
    first = next(iter(rows.values()))
    table = Table(title=dataset, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("run", overflow="fold")
    for name in (*(first.definitions[measure] for measure in first.means), "queries", "without\nresults"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, scores in rows.items():
        values = [f"{value:.4f}" for value in scores.means.values()]
        table.add_row(name, *values, str(scores.queries), str(scores.missing_queries))
    return table
