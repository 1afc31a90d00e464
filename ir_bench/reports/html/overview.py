"""What the page knows before a single query is looked at: means, intervals, costs, settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ir_bench.evaluation.measured import Measured
from ir_bench.reports.html.cells import Group
from ir_bench.reports.html.data import Data
from ir_bench.reports.html.intervals import intervals


def overview(group: Group, data: Data, measures: Sequence[str]) -> dict[str, Any]:
    """One group: its rules, and of each system the means with 95 % intervals, the costs, curves and settings."""
    first = group.cells[0].measured
    means = _means(group, measures)
    systems = [
        {
            "label": cell.label,
            "command": cell.measured.command,
            "means": means[i],
            "cost": costs(cell.measured),
            "curves": dict(cell.measured.curves),
            "system": dict(cell.measured.system),
            "environment": dict(cell.measured.environment),
            "published": {m: list(data.published[key]) for m in measures if (key := (cell.label, m)) in data.published},
            "sources": list(data.sources.get(cell.label, ())),
        }
        for i, cell in enumerate(group.cells)
    ]
    return {
        "label": group.label,
        "dataset": group.dataset,
        "split": group.split,
        "main": first.main_measure,
        "threshold": first.system.get("rules", {}).get("relevance_threshold", 1),
        "queries": len(group.queries),
        "documents": first.cost.get("build", {}).get("documents"),
        "systems": systems,
        "missing": data.missing,
        "about": data.about,
        "cite": list(data.cite),
    }


def _means(group: Group, measures: Sequence[str]) -> list[dict[str, list[float]]]:
    """For each system: measure → mean, lower and upper end of its interval."""
    scored = [(i, m) for i, cell in enumerate(group.cells) for m in measures if m in cell.measured.per_query]
    columns = [group.cells[i].measured.per_query[m] for i, m in scored]
    values = np.array([[column[query] for query in group.queries] for column in columns], np.float64)
    means: list[dict[str, list[float]]] = [{} for _ in group.cells]
    if scored:
        for (i, measure), row, ends in zip(scored, values, intervals(values.T), strict=True):
            means[i][measure] = [round(float(x), 6) for x in (row.mean(), *ends)]
    return means


def costs(measured: Measured) -> dict[str, float | None]:
    """Build seconds, index bytes a document, milliseconds a query (median, 95th percentile), queries a second asked
    together, and peak memory in MB; None for what was not measured."""
    cost: Mapping[str, Any] = measured.cost
    build, latency = cost.get("build", {}), (cost.get("latency") or {}).get("total_ms") or {}
    size, documents, peak = build.get("index_bytes"), build.get("documents"), cost.get("peak_memory_bytes")
    return {
        "build_s": build.get("build_s"),
        "bytes": size / documents if size and documents else None,
        "p50": latency.get("p50"),
        "p95": latency.get("p95"),
        "throughput": cost.get("search", {}).get("queries_per_s"),
        "peak": peak / 1e6 if peak else None,
    }
