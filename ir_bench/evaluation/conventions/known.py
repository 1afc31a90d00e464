"""All conventions, in the order in which they are shown."""

from __future__ import annotations

from ir_bench.evaluation.conventions.beir import beir
from ir_bench.evaluation.conventions.mteb import mteb
from ir_bench.evaluation.conventions.pyserini import pyserini
from ir_bench.evaluation.conventions.rules import Convention
from ir_bench.evaluation.conventions.sentence_transformers import sentence_transformers
from ir_bench.evaluation.conventions.trec_eval import trec_eval
from ir_bench.types import Rules


def conventions(rules: Rules, dataset: str) -> list[Convention]:
    """The conventions of five toolkits for a dataset, named as in `ir-bench datasets`."""
    return [make(rules, dataset) for make in (trec_eval, beir, pyserini, mteb, sentence_transformers)]
