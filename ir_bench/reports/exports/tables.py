"""Means of several results as other tools tabulate them: PyTerrier's experiment table, ranx's report; and back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ir_bench.errors import InputError
from ir_bench.evaluation.files import read_lines, write_text
from ir_bench.evaluation.measured import Measured
from ir_bench.reports.exports.measure_names import from_ranx, known_to_us, to_ranx
from ir_bench.results import write_json

Means = dict[str, dict[str, float]]  # name -> measure -> value


def write_pyterrier(results: Sequence[Measured], path: Path) -> None:
    """Write `name` and one column a measure, one row a result, as the table of PyTerrier's `Experiment` has them;
    tabs when the name of the file ends in ".tsv", else commas. Raises InputError for results on several datasets."""
    named = _named(results)
    measures = _shared(results)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=_delimiter(path), lineterminator="\n")
    writer.writerow(["name", *measures])
    for name, measured in named.items():
        means = measured.means
        writer.writerow([name, *(repr(means[measure]) for measure in measures)])
    write_text(path, [text.getvalue()])


def read_pyterrier(path: Path) -> Means:
    """Read such a table, with or without pandas' column of row numbers; columns that are no measure are left out.

    Names of trec_eval become ours. Raises InputError for a table without `name` or without a measure, for a value
    that is no number, and for a name given twice.
    """
    text = "".join(raw.decode("utf-8") for _, raw in read_lines(path))
    header, *rows = [*csv.reader(io.StringIO(text), delimiter=_delimiter(path))] or [[]]
    columns = {i: ours for i, cell in enumerate(header) if cell not in ("", "name") and (ours := known_to_us(cell))}
    if "name" not in header or not columns:
        raise InputError(
            f"{path}: the columns are {', '.join(header) or 'missing'}",
            "name, and measures such as nDCG@10 or ndcg_cut_10",
            "write the table of pt.Experiment with to_csv",
        )
    means: Means = {}
    for number, row in enumerate(rows, 2):
        try:
            name = row[header.index("name")]
            values = {measure: float(row[i]) for i, measure in columns.items()}
        except (IndexError, ValueError) as error:
            raise InputError(f"{path}:{number}: {error}", "a number in each column of a measure") from None
        _add(means, name, values, path)
    return means


def ranx_report(results: Sequence[Measured], per_query: bool = False) -> dict[str, Any]:
    """The dictionary of ranx's `Report`: metrics, model_names and scores by model, under ranx's names.

    No significance test was made: `stat_test` is null and comparisons are empty. With `per_query`, which ranx does not
    write, each model also has its values by query. Measures that ranx does not have are left out.
    Raises InputError for results on several datasets and where no measure is left.
    """
    named = _named(results)
    threshold = results[0].system.get("rules", {}).get("relevance_threshold", 1)
    metrics = {measure: theirs for measure in _shared(results) if (theirs := to_ranx(measure, threshold))}
    if not metrics:
        raise InputError("ranx has none of the measures", "for example nDCG@10, R@100, AP", "score such a measure")
    report: dict[str, Any] = {"stat_test": None, "metrics": [*metrics.values()], "model_names": [*named]}
    for name, measured in named.items():
        means = measured.means
        entry: dict[str, Any] = {"scores": {theirs: means[measure] for measure, theirs in metrics.items()}}
        entry |= {"comparisons": {}, "win_tie_loss": {}}
        if per_query:
            entry["per_query"] = {theirs: dict(measured.per_query[measure]) for measure, theirs in metrics.items()}
        report[name] = entry
    return report


def write_ranx(results: Sequence[Measured], path: Path, per_query: bool = False) -> None:
    """Write `ranx_report` as JSON."""
    write_json(path, ranx_report(results, per_query))


def read_ranx(path: Path) -> Means:
    """Read what `Report.save` of ranx wrote; metrics that we do not have are left out. Raises InputError otherwise."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        scores: Mapping[str, Mapping[str, Any]] = {name: report[name]["scores"] for name in report["model_names"]}
        means = {
            name: {ours: float(value) for metric, value in by_metric.items() if (ours := from_ranx(metric))}
            for name, by_metric in scores.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no report of ranx: {error!r}",
            "JSON with metrics, model_names and scores by model",
            "write it with Report.save",
        ) from None
    if not any(means.values()):
        raise InputError(f"{path} holds no measure that is known here", "metrics such as ndcg@10", "look at the file")
    return means


def _add(means: Means, name: str, values: dict[str, float], path: Path) -> None:
    if name in means:
        raise InputError(f"{path}: {name!r} is given twice", "one row a name", "rename one of the two")
    means[name] = values


def _named(results: Sequence[Measured]) -> dict[str, Measured]:
    """Results by retriever, or by folder where several have the same retriever's name."""
    datasets = {(measured.dataset, measured.split) for measured in results}
    if len(datasets) != 1:
        raise InputError(
            "the results are on " + (", ".join(" ".join(d) for d in sorted(datasets)) or "nothing"),
            "results on one dataset and split, since such a table has no column for it",
            "export one dataset at a time",
        )
    names = [measured.retriever for measured in results]
    if len(set(names)) < len(names):
        names = [name if m.folder is None else m.folder.name for name, m in zip(names, results, strict=True)]
    named = dict(zip(names, results, strict=True))
    if len(named) < len(results):
        raise InputError("a result is named twice", "each folder once", "leave one out")
    return named


def _shared(results: Sequence[Measured]) -> list[str]:
    """The measures that all results have, in the order of the first."""
    return [m for m in results[0].per_query if all(m in measured.per_query for measured in results)]


def _delimiter(path: Path) -> str:
    return "\t" if path.name.removesuffix(".gz").endswith(".tsv") else ","
