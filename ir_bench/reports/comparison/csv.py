"""A comparison as one tidy table: a row for every mean, pair, mean over datasets and typed average."""

from __future__ import annotations

import csv as table
import io
from dataclasses import asdict

from ir_bench.reports.comparison.model import Comparison

COLUMNS = (
    "kind", "dataset", "measure", "system", "other", "value", "low", "high", "queries", "letters",
    "randomisation_p", "randomisation_holm", "t_p", "t_holm", "cohens_d", "detectable",
    "equivalence_p", "equivalence_holm", "wins", "ties", "losses", "verdict",
    "rank", "mean_rank", "rank_low", "rank_high", "missing",
    "baseline", "level", "alpha", "margin", "tests", "resamples", "rank_resamples", "permutations", "seed",
)  # fmt: skip


def csv(comparison: Comparison) -> str:
    """`kind` is mean, pair (`value`: system minus other), overall (`dataset`: those it is over, with ";") or average
    (`dataset`: its name; no value where it is not complete). Numbers are written in full."""
    common = ";".join(comparison.common)
    rows: list[dict[str, object]] = [
        {"kind": "mean", "queries": comparison.queries[mean.dataset], **asdict(mean)} for mean in comparison.means
    ]
    for pair in comparison.pairs:
        queries = comparison.queries[pair.dataset]
        rows.append({"kind": "pair", "queries": queries, "value": pair.difference, **asdict(pair)})
    rows += [{"kind": "overall", "dataset": common, **asdict(row)} for row in comparison.overall]
    rows += [{"kind": "average", "dataset": row.name, **asdict(row)} for row in comparison.averages]
    text = io.StringIO()
    writer = table.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({**asdict(comparison.settings), **row})
    return text.getvalue()
