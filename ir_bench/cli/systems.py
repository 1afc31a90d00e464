"""The systems that a user names: results folders, run files, and cells by their settings, measured when asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from ir_bench.claims.command import split
from ir_bench.errors import InputError

if TYPE_CHECKING:
    from ir_bench.evaluation.measured import Measured
    from ir_bench.types import Dataset

FORMS = "a results folder or one above several, a run file, or settings such as dataset=cacm retriever=bm25,minilm"


def named_systems(
    given: Sequence[str], dataset: Dataset | None, measures: Sequence[str], results: Path
) -> dict[str, list[Measured]]:
    """What each argument names. Settings in quotes are cells of their own; loose ones (`dataset=cacm
    retriever=bm25,minilm`) belong together, and values with commas stand for several cells.

    A run file is scored on `dataset`. A cell that was not measured yet is measured. Raises InputError for an argument
    that names nothing.
    """
    loose = [word for word in given if _is_setting(word)]
    found: dict[str, list[Measured]] = {}
    for word in given:
        if word not in loose:
            found[word] = _named(word, dataset, measures, results)
        elif " ".join(loose) not in found:
            found[" ".join(loose)] = [m for cell in _cells(loose) for m in _measured(cell, measures, results)]
    return found


def _is_setting(word: str) -> bool:
    return "=" in word and " " not in word.strip() and not Path(word).exists()


def _named(word: str, dataset: Dataset | None, measures: Sequence[str], results: Path) -> list[Measured]:
    from ir_bench.evaluation.measured import read_measured
    from ir_bench.evaluation.run_file import measured_run_file

    path = Path(word)
    if path.is_dir():
        folders = sorted(scores.parent for scores in path.rglob("scores.json"))
        if not folders:
            raise InputError(f"there are no results in {path}", FORMS, "measure them with ir-bench run")
        return [read_measured(folder) for folder in folders]
    if path.is_file():
        if dataset is None:
            raise InputError(f"{path} is a run file", "a dataset to score it on", "add --dataset NAME")
        return [measured_run_file(path, dataset, measures)]
    if "=" not in word:
        raise InputError(f"{word!r} is neither a file nor a folder nor settings", FORMS, "check the spelling")
    return [m for cell in _cells(split(word)) for m in _measured(cell, measures, results)]


def _cells(settings: Sequence[str]) -> Iterator[list[str]]:
    """One list of settings for each combination of the values with commas outside quotes and brackets."""
    choices = []
    for setting in settings:
        key, _, value = setting.partition("=")
        several = key in ("dataset", "retriever") or not any(mark in value for mark in "'\"[{(")
        choices.append([f"{key}={each}" for each in (value.split(",") if several else [value])])
    for combination in product(*choices):
        yield list(combination)


def _measured(settings: list[str], measures: Sequence[str], results: Path) -> Iterator[Measured]:
    """What is kept for a cell when it has all measures, else what is measured now."""
    from ir_bench.cli import experiments
    from ir_bench.cli.compose import canonical
    from ir_bench.cli.run import measure_cell
    from ir_bench.evaluation.measured import read_measured
    from ir_bench.harness import MEASURES
    from ir_bench.reports.table import line

    command = canonical(settings)
    kept = replace(experiments.kept(results), check=experiments.require_up_to_date).find(command) or []
    if kept and all(measure in each.per_query for each in kept for measure in measures):
        yield from kept
        return
    wanted = ",".join(f"'{measure}'" for measure in dict.fromkeys([*MEASURES, *measures]))
    for cell in experiments.members(command):
        result = measure_cell([*split(cell), f"measures=[{wanted}]"], results)
        if not result.reused:
            print(line(result), file=sys.stderr, flush=True)  # the comparison itself may be piped into a file
        yield read_measured(result.folder)
