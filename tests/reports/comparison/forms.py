"""A comparison with names that every form has to escape, and queries with all that can be shown."""

from __future__ import annotations

from reports.comparison.made import two_datasets

from ir_bench.reports.comparison.model import Comparison, Found, Gap

AWKWARD = (r"run_1|*x* [b]", r"<b>50 % & $x$</b> {#} ~^\end", "plain")


def awkward() -> Comparison:
    return two_datasets(AWKWARD)


def gaps() -> list[Gap]:
    one, other, _ = AWKWARD
    shown = [Found("d|1", "A <i>title</i> of *stars*", 2, True), Found("d2", "not relevant", 0), Found("d3")]
    return [
        Gap("beir/scifact", "q_1", "nDCG@10", {one: 1.0, other: 0.25}, {one: shown, other: []}, "what [is] | this?"),
        Gap("beir/nfcorpus", "q2", "nDCG@10", {one: 0.0, other: 0.5}, {}),
    ]
