"""Build, search, score: one cell of an experiment. Knows retrievers only by their contract."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from ir_bench import cost
from ir_bench.corpus_ids import document_ids
from ir_bench.environment import environment
from ir_bench.errors import InputError
from ir_bench.evaluation.audit import audit
from ir_bench.evaluation.measures import Scores, evaluate, parse
from ir_bench.evaluation.per_query import write_per_query
from ir_bench.evaluation.ranks import relevant_ranks, write_ranks
from ir_bench.evaluation.trec import read_run, write_run
from ir_bench.fingerprint import describe, fingerprint
from ir_bench.memory import peak_memory
from ir_bench.protocols import Retriever
from ir_bench.results import Result, read_result, write_json, write_yaml
from ir_bench.scoring import require_depth
from ir_bench.store import Store
from ir_bench.types import Corpus, Dataset, Queries, Ranking, Run

MEASURES = ("nDCG@10", "R@100", "R@1000", "RR@10", "AP", "P@10", "Success@5", "Judged@10")
# Drawn as curves: recall by depth, and precision interpolated at eleven levels of recall.
CURVES = (*(f"R@{k}" for k in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)), *(f"IPrec@{r / 10}" for r in range(11)))
SCORED = ("top.trec.gz", "curves.json", "ranks.tsv.gz", "per_query.tsv.gz")  # made from the run, with scores.json
HEAD = 10  # documents a query in top.trec.gz, which is small enough to be committed


@dataclass(frozen=True)
class Harness:
    """Measures retrievers on datasets and keeps what it measured.

    A cell that was finished before (same retriever, same data, same depth; its run file still there and unchanged) is
    not computed again; new measures are scored from its run.
    """

    results: Path
    store: Store
    k: int = 1000
    measures: Sequence[str] = MEASURES
    latency_queries: int = 50
    force: bool = False

    def cell(self, retriever: Retriever, dataset: Dataset, name: str, command: str = "") -> Result:
        """Build the retriever on the corpus, search all queries, score the run, and write the results folder.

        `command` is what a user types after `ir-bench run` for this cell; it is kept beside the settings.

        Raises InputError for bad input and AuditFailure when the scores break an identity they must obey.
        """
        require_depth(self.k)
        measures = list(dict.fromkeys([*self.measures, dataset.rules.main_measure]))
        for measure in measures:  # a misspelt name is told before hours are spent, not after
            parse(measure, dataset.rules)
        queries, qrels = dataset.queries, dataset.qrels
        corpus = dataset.corpus
        identity = {
            "dataset": dataset.name,
            "split": dataset.split,
            "corpus": corpus.identity,
            "titles": corpus.titles,
            "queries": fingerprint(queries),
            "judgments": fingerprint(qrels),
            "rules": asdict(dataset.rules),
            "retriever": describe(retriever),
            "k": self.k,
        }
        folder = self.results / "runs" / dataset.name / f"{name}-{fingerprint(identity)}"
        finished = not self.force and _finished(folder, fingerprint(identity))
        whole = finished and all((folder / name).is_file() for name in SCORED)
        if whole and (known := read_result(folder, self.measures)) is not None:
            return known
        run = read_run(folder / "run.trec.gz") if finished else None
        facts: dict[str, object] = {}
        if run is None:
            run, facts, spent = self._search(retriever, corpus, queries, dataset)
            folder.mkdir(parents=True, exist_ok=True)
            write_run(run, folder / "run.trec.gz", tag=name)
            write_yaml(folder / "system.yaml", {"name": name, "command": command, **identity})
            write_json(folder / "cost.json", spent)
            write_json(folder / "environment.json", environment())
            run = read_run(folder / "run.trec.gz")  # what is scored is what was written
        else:
            recorded = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
            facts = recorded["facts"]
            measures = list(dict.fromkeys([*recorded["measures"], *measures]))  # what was scored before stays
        scores = evaluate(run, qrels, measures, dataset.rules)
        audit(run, qrels, scores, dataset.rules)
        write_run(run.top(HEAD), folder / "top.trec.gz", tag=name)
        curves = evaluate(run, qrels, CURVES, dataset.rules)
        write_json(folder / "curves.json", _rounded(dict(curves.means)))
        write_ranks(relevant_ranks(run, qrels, dataset.rules), folder / "ranks.tsv.gz")
        write_per_query(scores, folder / "per_query.tsv.gz")
        write_json(folder / "scores.json", _summary(name, identity, scores, facts, folder))
        result = read_result(folder, measures)
        assert result is not None  # it was written above
        return replace(result, reused=False)

    def group(
        self,
        retriever: Retriever,
        name: str,
        members: Mapping[str, Dataset],
        retriever_name: str,
        commands: Mapping[str, str] | None = None,
    ) -> Result:
        """Every member of a benchmark of several parts (CQADupStack), and the unweighted mean of their scores."""
        commands = commands or {}
        parts = [
            self.cell(retriever, dataset, retriever_name, commands.get(member, ""))
            for member, dataset in members.items()
        ]
        means = {m: float(np.mean([part.scores[m] for part in parts])) for m in parts[0].scores}
        key = fingerprint([part.folder.name for part in parts])
        folder = self.results / "runs" / name / f"{retriever_name}-{key}"
        folder.mkdir(parents=True, exist_ok=True)
        members_folders = {member: part.folder.name for member, part in zip(members, parts, strict=True)}
        write_json(
            folder / "mean.json",
            {"dataset": name, "retriever": retriever_name, "measures": _rounded(means), "members": members_folders},
        )
        reused = all(part.reused for part in parts)
        return Result(name, retriever_name, folder, _rounded(means), {}, parts[0].main_measure, reused)

    def _search(
        self, retriever: Retriever, corpus: Corpus, queries: Queries, dataset: Dataset
    ) -> tuple[Run, dict[str, object], dict[str, object]]:
        asked = {q: text for q, text in queries.items() if text.strip()}
        if not asked:
            raise InputError(
                f"{dataset.name} has no query with text in split {dataset.split!r}",
                "at least one query",
                "look at the queries file and the split's judgments",
            )
        depth = self.k + 1 if dataset.rules.exclude_self else self.k
        with peak_memory() as memory:
            with cost.ledger() as building, cost.timed("build_s"):
                retriever.build(corpus, self.store)
            building["documents"] = len(document_ids(corpus, self.store))
            first = dict([next(iter(asked.items()))])
            retriever.search(first, depth)  # compiles kernels and loads models, so that neither is timed as search
            with cost.ledger() as searching, cost.timed("total_s"):
                found = retriever.search(asked, depth)
            latency = _latency(retriever, dict(list(asked.items())[: self.latency_queries]), self.k)
        run = found.without_self() if dataset.rules.exclude_self else found
        dropped = sum(len(found[q]) - len(run[q]) for q in found)
        rankings = {**run.top(self.k).rankings}
        for query in queries.keys() - asked.keys():  # a query without text finds nothing, whatever the retriever
            rankings[query] = Ranking([], np.zeros(0, np.float32))
        facts: dict[str, object] = {"empty_queries": len(queries) - len(asked), "self_hits_dropped": dropped}
        spent = {
            "build": building,
            "search": {**searching, "queries": len(asked), "queries_per_s": len(asked) / searching["total_s"]},
            "latency": latency,
            "peak_memory_bytes": memory["bytes"],
        }
        return Run(rankings), facts, _rounded(spent)


def _latency(retriever: Retriever, queries: Queries, k: int) -> dict[str, object]:
    """Milliseconds per query, one at a time: median and 95th percentile, encoding and search apart where noted."""
    seconds: dict[str, list[float]] = {}
    for query, text in queries.items():
        with cost.ledger() as spent, cost.timed("total_s"):
            retriever.search({query: text}, k)
        for name, value in spent.items():
            if name.endswith("_s"):
                seconds.setdefault(name.removesuffix("_s"), []).append(value * 1000)
    return {
        "queries": len(queries),
        **{
            f"{name}_ms": {"p50": float(np.percentile(values, 50)), "p95": float(np.percentile(values, 95))}
            for name, values in seconds.items()
        },
    }


def _finished(folder: Path, key: str) -> bool:
    """Whether the folder holds this cell, with the run file that its scores were made from."""
    try:
        recorded = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
        return recorded["fingerprint"] == key and recorded["run_sha256"] == _sha256(folder / "run.trec.gz")
    except (OSError, ValueError, KeyError):
        return False


def _sha256(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _summary(
    name: str, identity: dict[str, object], scores: Scores, facts: dict[str, object], folder: Path
) -> dict[str, object]:
    return {
        "dataset": identity["dataset"],
        "split": identity["split"],
        "retriever": name,
        "fingerprint": fingerprint(identity),
        "k": identity["k"],
        "queries": scores.queries,
        "missing_queries": scores.missing_queries,
        "unjudged_queries": scores.unjudged_queries,
        "facts": facts,
        "measures": {measure: round(value, 6) for measure, value in scores.means.items()},
        "definitions": {name: text for name, text in scores.definitions.items() if name != text},
        "run_sha256": _sha256(folder / "run.trec.gz"),
        "top_sha256": _sha256(folder / "top.trec.gz"),
    }


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 6) if isinstance(value, float) else value
