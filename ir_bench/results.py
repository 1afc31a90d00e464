"""The results tree on disk.

results/runs/<dataset>/<retriever>-<fingerprint>/
    system.yaml  scores.json  per_query.tsv.gz  ranks.tsv.gz  curves.json  top.trec.gz  cost.json  environment.json
    run.trec.gz    the whole run, too large to be committed
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ir_bench.errors import InputError


@dataclass(frozen=True)
class Result:
    """One measured cell: its folder, mean scores and costs; `reused` when nothing was computed for it."""

    dataset: str
    retriever: str
    folder: Path
    scores: Mapping[str, float]
    cost: Mapping[str, Any]
    main_measure: str = "nDCG@10"
    reused: bool = True


def read_result(folder: Path, measures: Sequence[str] = (), need_run: bool = True) -> Result | None:
    """The result in a folder, or None when it is absent, unfinished or lacks one of the measures.

    With `need_run`, the run file must be there too: committed results come without one, and whoever asks for a cell
    wants it measured here.
    """
    try:
        scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
        spent = json.loads((folder / "cost.json").read_text(encoding="utf-8"))
        system = yaml.safe_load((folder / "system.yaml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InputError(
            f"{folder} is damaged: {error}", "the files written by ir-bench", "delete the folder and run again"
        ) from None
    if need_run and not (folder / "run.trec.gz").is_file():
        return None
    if any(measure not in scores["measures"] for measure in measures):
        return None
    main = system["rules"]["main_measure"]
    return Result(scores["dataset"], scores["retriever"], folder, scores["measures"], spent, main)


def write_json(path: Path, value: object) -> None:
    _write(path, json.dumps(value, indent=1, sort_keys=False, ensure_ascii=False) + "\n")


def write_yaml(path: Path, value: object) -> None:
    _write(path, yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100))


def _write(path: Path, text: str) -> None:
    """All or nothing: a reader never sees half a file."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
