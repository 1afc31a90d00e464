"""Results as MTEB keeps them: `<organisation>__<model>/<revision>/<task>.json` with `model_meta.json` beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ir_bench.errors import InputError
from ir_bench.evaluation.measured import RUN, Measured
from ir_bench.evaluation.trec import read_run
from ir_bench.fingerprint import fingerprint
from ir_bench.reports.exports.measure_names import from_mteb, to_mteb
from ir_bench.reports.exports.mteb_tasks import TASKS
from ir_bench.results import write_json

UNKNOWN_REVISION = "unknown"  # MTEB wants text: the data did not come from its hub
OF_THE_DATASET = ("name", "command", "dataset", "split", "corpus", "queries", "judgments", "rules")
DEEPEST = 1000


def write_mteb(measured: Measured, root: Path, model: str | None = None) -> Path:
    """Write one cell below `root` as MTEB would, and return the task's file.

    `model` is "organisation/name" (default: ir_bench/<retriever>); the revision is the fingerprint of all settings
    but the dataset's, so that a retriever's datasets lie together. `mteb_version` is null and `dataset_revision`
    "unknown", since MTEB made neither. Scores are kept where both packages compute the same: see `mteb_scores`.
    Raises InputError for a dataset or split without a task, for rules that MTEB does not share, and for another
    result at the same place.
    """
    model = model or f"ir_bench/{measured.retriever}"
    organisation, _, name = model.partition("/")
    if not organisation or not name or "/" in name:
        raise InputError(f"the model is named {model!r}", "organisation/name", "give such a name")
    result = mteb_result(measured)
    revision = fingerprint({name: value for name, value in measured.system.items() if name not in OF_THE_DATASET})
    folder = root / f"{organisation}__{name.replace(' ', '_')}" / revision
    path = folder / f"{result['task_name']}.json"
    if path.is_file() and json.loads(path.read_text(encoding="utf-8"))["scores"] != result["scores"]:
        raise InputError(
            f"{path} holds other scores", "one result a model, revision and task", "export to another folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "model_meta.json", _model(model, revision))
    write_json(path, result)
    return path


def mteb_result(measured: Measured) -> dict[str, Any]:
    """The content of a task's file."""
    task = TASKS.get(measured.dataset)
    if task is None or measured.split not in task.splits:
        raise InputError(
            f"MTEB has no task for {measured.dataset}, split {measured.split}",
            "one of: " + ", ".join(f"{name} ({'/'.join(t.splits)})" for name, t in TASKS.items()),
            "export it in another format: trec, pyterrier, ranx, ir_metadata",
        )
    scores = mteb_scores(measured)
    result: dict[str, Any] = {
        "dataset_revision": UNKNOWN_REVISION,
        "task_name": task.name,
        "mteb_version": None,
        "scores": {
            task.splits[measured.split]: [
                {**scores, "main_score": scores["ndcg_at_10"], "hf_subset": "default", "languages": ["eng-Latn"]}
            ]
        },
        "evaluation_time": _seconds(measured),
        "kg_co2_emissions": None,
    }
    if "date" in measured.environment:
        result["date"] = measured.environment["date"]
    return result


def mteb_scores(measured: Measured) -> dict[str, float]:
    """The measures under MTEB's keys, where its rules give the same number.

    AP and RR of a ranking of depth 1000 are its map_at_1000 and mrr_at_1000; cut-offs beyond the depth of the ranking
    are left out, since MTEB ranks 1000 documents, and so are binary measures where the dataset counts from another
    grade than 1. Raises InputError without nDCG@10, and where queries without results or documents with the query's
    own id were treated otherwise than MTEB does.
    """
    _same_rules(measured)
    depth, binary = measured.system["k"], measured.system["rules"]["relevance_threshold"] == 1
    scores = {}
    for measure, mean in measured.means.items():
        key = to_mteb(f"{measure}@{DEEPEST}" if measure in ("AP", "RR") and depth == DEEPEST else measure)
        if key is None or int(key.rpartition("_")[2]) > depth or not (binary or key.startswith("ndcg_")):
            continue
        scores[key] = mean if key.startswith("mrr_") else round(mean, 5)
    if "ndcg_at_10" not in scores:
        raise InputError(
            f"there is no nDCG@10 of ten documents or more, only: {', '.join(scores) or 'nothing'}",
            "nDCG@10, MTEB's main score, of a ranking of depth 10 or more",
            f"measure it: ir-bench run {measured.command} measures=[nDCG@10]",
        )
    return scores


def read_mteb(path: Path) -> dict[str, dict[str, float]]:
    """Measure -> value for each split of a task's file, by "<task> <split>", and "<subset>" where it is not the only.

    Keys that are no retrieval measure are left out. Raises InputError for a file that MTEB did not write.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows = {}
        for split, entries in content["scores"].items():
            for entry in entries:
                subset = "" if entry["hf_subset"] == "default" else f" {entry['hf_subset']}"
                named = {from_mteb(key): value for key, value in entry.items()}
                rows[f"{content['task_name']} {split}{subset}"] = {k: float(v) for k, v in named.items() if k}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no result of MTEB: {error!r}",
            "JSON with task_name and scores: {split: [{hf_subset, ndcg_at_10, …}]}, as MTEB 1.11 and later write it",
            "name a task's file, such as SciFact.json",
        ) from None
    if not any(rows.values()):
        raise InputError(f"{path} holds no retrieval measure", "keys such as ndcg_at_10", "name a retrieval task")
    return rows


def _same_rules(measured: Measured) -> None:
    from ir_bench.evaluation.conventions.mteb import DROPS_SELF

    facts = _facts(measured)
    theirs = measured.dataset in DROPS_SELF
    if facts.get("self_hits_dropped") and not theirs:
        raise InputError(
            f"{facts['self_hits_dropped']} documents with the query's own id were dropped, which MTEB keeps in "
            f"{measured.dataset}",
            "a run scored by MTEB's rules",
            "measure the cell with dataset.rules.exclude_self=false",
        )
    run = measured.run
    if run is None and measured.folder is not None and (measured.folder / RUN).is_file():
        run = read_run(measured.folder / RUN)
    if theirs and run is not None and any(query in run[query].documents for query in run):
        raise InputError(
            f"the run holds documents with the query's own id, which MTEB drops in {measured.dataset}",
            "a run scored by MTEB's rules",
            "measure the cell with dataset.rules.exclude_self=true",
        )
    missing = facts.get("missing_queries", 0)
    if missing:
        raise InputError(
            f"{missing} queries have no results: they count as zero here, and leave the mean in MTEB",
            "a result for each judged query",
            "look at the numbers under both rules: ir-bench conventions",
        )


def _facts(measured: Measured) -> Mapping[str, Any]:
    path = None if measured.folder is None else measured.folder / "scores.json"
    if path is None or not path.is_file():
        return {}
    scores = json.loads(path.read_text(encoding="utf-8"))
    return {**scores.get("facts", {}), "missing_queries": scores.get("missing_queries", 0)}


def _seconds(measured: Measured) -> float | None:
    """Building and searching; null where it was not measured."""
    if not measured.cost:
        return None
    return measured.cost["build"]["build_s"] + measured.cost["search"]["total_s"]


def _model(name: str, revision: str) -> dict[str, Any]:
    """What MTEB wants to know of a model and we do not is null, as in its own files."""
    unknown = (
        "release_date", "languages", "n_parameters", "memory_usage_mb", "max_tokens", "embed_dim", "license",
        "open_weights", "public_training_code", "public_training_data", "similarity_fn_name", "use_instructions",
        "training_datasets", "loader",
    )  # fmt: skip
    return {"name": name, "revision": revision, "framework": [], **dict.fromkeys(unknown)}
