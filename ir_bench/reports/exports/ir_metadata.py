"""`ir-metadata.yml`: what is known of a run in the terms of ir_metadata (PRIMAD)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ir_bench.evaluation.files import write_text
from ir_bench.evaluation.measured import Measured
from ir_bench.reports.exports.measure_names import to_trec_eval
from ir_bench.reports.exports.stages import indexing, stages

SCHEMA = 0.1
TIES = {
    "trec_eval": "descending document id",
    "lucene": "ascending document id, each score then lowered below the one before",
}


def write_ir_metadata(measured: Measured, path: Path, actor: Mapping[str, Any] | None = None) -> None:
    """Write the metadata of one cell as YAML, its first and last line the schema's marks as comments."""
    text = yaml.safe_dump(ir_metadata(measured, actor), sort_keys=False, allow_unicode=True, width=120)
    write_text(path, ["# ir_metadata.start\n", text, "# ir_metadata.end\n"])


def ir_metadata(measured: Measured, actor: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Tag and the six components of PRIMAD; what a results folder does not know is left out.

    `actor` is the person (name, orcid, team, role, …), of whom nothing is recorded.
    Source: Breuer, Keller and Schaer, "ir_metadata: An Extensible Metadata Schema for IR Experiments", SIGIR 2022;
    schema version 0.1. Differs: split and fingerprints of the test collection are added.
    """
    retriever = measured.system.get("retriever", {})
    parts = {
        "platform": _platform(measured.environment, retriever),
        "research goal": {"evaluation": {"reported measures": [to_trec_eval(m) or m for m in measured.per_query]}},
        "implementation": _implementation(measured),
        "method": _known(
            {
                "automatic": True if retriever else None,
                "score ties": TIES.get(retriever.get("ties", "")),
                "indexing": indexing(retriever),
                "retrieval": stages(measured.retriever, retriever),
            }
        ),
        "actor": dict(actor or {}),
        "data": {"test collection": _collection(measured)},
    }
    return {"schema-version": SCHEMA, "run-version": 1.0, "tag": measured.retriever, **_known(parts)}


def _platform(environment: Mapping[str, Any], retriever: Mapping[str, Any]) -> dict[str, Any]:
    system, _, architecture = environment.get("system", "").partition(" ")
    packages = environment.get("packages", {})
    accelerator = environment.get("accelerator", "none")
    cpu = {
        "model": environment.get("processor"),
        "architecture": architecture,
        "number of cores": environment.get("cores"),
    }
    libraries = [f"{name}=={version}" for name, version in {"python": environment.get("python"), **packages}.items()]
    toolkits = ["ir-bench", *(["pyserini"] if "Lucene" in retriever.get("class", "") else [])]
    return _known(
        {
            "hardware": _known({"cpu": _known(cpu), "gpu": None if accelerator == "none" else {"model": accelerator}}),
            "operating system": _known({"kernel": system}),
            "software": _known(
                {
                    "libraries": {"python": libraries} if packages else None,
                    "retrieval toolkit": [f"{name}=={packages[name]}" for name in toolkits if name in packages],
                }
            ),
        }
    )


def _implementation(measured: Measured) -> dict[str, Any]:
    command = {"cmd": f"ir-bench run {measured.command}"} if measured.command else None
    return _known({"executable": command, "source": {"lang": ["python"]}})


def _collection(measured: Measured) -> dict[str, Any]:
    prints = {name: measured.system.get(name) for name in ("corpus", "queries", "judgments")}
    return _known({"name": measured.dataset, "split": measured.split, "fingerprints": _known(prints)})


def _known(entries: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entries.items() if value not in (None, "", [], {})}
