"""One retriever on one dataset with the scores of each query: what comparisons, verdicts and reports are made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.evaluation.per_query import read_per_query
from ir_bench.evaluation.trec import read_run
from ir_bench.fingerprint import fingerprint
from ir_bench.types import Run

RUN, HEAD = "run.trec.gz", "top.trec.gz"  # the whole ranking, and the ten best documents of each query
NOT_IDENTITY = ("name", "command")  # entries of system.yaml that are not part of the fingerprint
MEANS_AGREE = 1e-6  # scores.json is rounded to six digits


class StaleResult(InputError):
    """A results folder whose files do not belong together, or that was made from other settings or data."""


class RunNotKept(InputError):
    """A result whose run is not at hand: of committed ones only the best documents are."""


@dataclass(frozen=True)
class Measured:
    """A finished cell. `per_query` is measure -> query -> value over all judged queries, zero where nothing was found.

    `command` makes it again; `system`, `cost`, `environment` and `curves` are the files of the results folder, empty
    where a run file was scored.
    """

    dataset: str
    retriever: str
    per_query: Mapping[str, Mapping[str, float]]
    split: str = "test"
    main_measure: str = "nDCG@10"
    command: str = ""
    folder: Path | None = None
    system: Mapping[str, Any] = field(default_factory=dict)
    cost: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    curves: Mapping[str, float] = field(default_factory=dict)
    run: Run | None = None

    @property
    def queries(self) -> list[str]:
        return list(next(iter(self.per_query.values()), {}))

    @property
    def means(self) -> dict[str, float]:
        return {measure: float(np.mean(list(values.values()))) for measure, values in self.per_query.items()}

    def values(self, measure: str) -> NDArray[np.float64]:
        """The value of each query [queries], in their order. Raises InputError for a measure that was not scored."""
        if measure not in self.per_query:
            raise InputError(
                f"{measure} was not scored for {self.dataset} × {self.retriever}",
                "one of: " + ", ".join(self.per_query),
                f"score it: ir-bench run {self.command or f'dataset={self.dataset} …'} measures=[{measure}]",
            )
        return np.fromiter(self.per_query[measure].values(), np.float64)

    def has_whole_run(self) -> bool:
        return self.run is not None or (self.folder is not None and (self.folder / RUN).is_file())

    def ranking(self) -> Run | None:
        """The whole run where it is at hand, else its ten best documents a query, else None."""
        if self.run is not None or self.folder is None:
            return self.run
        path = next((p for name in (RUN, HEAD) if (p := self.folder / name).is_file()), None)
        return None if path is None else read_run(path)


def read_measured(folder: Path) -> Measured:
    """A results folder written by the harness, checked to be of one piece.

    Raises StaleResult when settings, scores, scores per query and run do not belong together, and InputError when
    there is no result.
    """
    try:
        scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
        cost = json.loads((folder / "cost.json").read_text(encoding="utf-8"))
        environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
        system = yaml.safe_load((folder / "system.yaml").read_text(encoding="utf-8"))
        curves = _read_if_there(folder / "curves.json")
    except FileNotFoundError as error:
        raise InputError(
            f"{folder} has no {Path(str(error.filename)).name}",
            "a results folder: results/runs/<dataset>/<retriever>-<fingerprint>",
            "name such a folder, or measure the cell with ir-bench run",
        ) from None
    except ValueError as error:
        raise InputError(
            f"{folder} is damaged: {error}", "the files written by ir-bench", "delete the folder and run again"
        ) from None
    per_query = read_per_query(folder / "per_query.tsv.gz")
    _same_settings(folder, system, scores)
    _same_scores(folder, scores, per_query)
    _same_run(folder, scores)
    return Measured(
        dataset=scores["dataset"],
        retriever=scores["retriever"],
        per_query=per_query,
        split=scores["split"],
        main_measure=system["rules"]["main_measure"],
        command=system.get("command", ""),
        folder=folder,
        system=system,
        cost=cost,
        environment=environment,
        curves=curves,
    )


def _read_if_there(path: Path) -> dict[str, float]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _same_settings(folder: Path, system: Mapping[str, Any], scores: Mapping[str, Any]) -> None:
    key = fingerprint({name: value for name, value in system.items() if name not in NOT_IDENTITY})
    if not key == scores["fingerprint"] == folder.resolve().name.rpartition("-")[2]:
        raise StaleResult(
            f"{folder}: the settings in system.yaml have the fingerprint {key}, the scores belong to "
            f"{scores['fingerprint']}",
            "a folder as the harness wrote it",
            "delete the folder and measure the cell again",
        )


def _same_scores(folder: Path, scores: Mapping[str, Any], per_query: Mapping[str, Mapping[str, float]]) -> None:
    for measure, mean in scores["measures"].items():
        values = per_query.get(measure, {})
        if len(values) != scores["queries"]:
            raise StaleResult(
                f"{folder}: {measure} has {len(values)} values for {scores['queries']} queries",
                "one value for each judged query",
                "delete the folder and measure the cell again",
            )
        found = float(np.mean(list(values.values())))
        if abs(found - mean) > MEANS_AGREE:
            raise StaleResult(
                f"{folder}: scores.json gives {measure} {mean:.6f}, the queries in per_query.tsv.gz {found:.6f}",
                "a mean that follows from its queries",
                "delete the folder and measure the cell again",
            )


def _same_run(folder: Path, scores: Mapping[str, Any]) -> None:
    for path, recorded in ((folder / RUN, scores["run_sha256"]), (folder / HEAD, scores.get("top_sha256"))):
        if recorded and path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != recorded:
            raise StaleResult(
                f"{path} is not the run that scores.json was made from",
                "the file with the recorded SHA-256",
                "delete the folder and measure the cell again",
            )
