"""The help page of `ir-bench run`: examples, the choices in conf/, the settings with their comments."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from ir_bench.cli.compose import CONF, KINDS, options

EXAMPLES = """\
ir-bench run: search a dataset with a retriever and score the run.

Examples
  ir-bench run experiment=tour
  ir-bench run dataset=beir/scifact retriever=bm25
  ir-bench run dataset=beir/nfcorpus dataset.split=dev retriever=bm25 similarity.k1=1.2
  ir-bench run dataset=beir/scifact retriever=minilm index=hnsw
  ir-bench run dataset=beir/scifact retriever=bi_encoder encoder.model=BAAI/bge-base-en-v1.5
  ir-bench run dataset=local dataset.path=my/collection retriever=hybrid
  ir-bench run -m dataset=cacm,cranfield retriever=bm25 similarity.k1=0.6,0.9,1.2     # a sweep: every combination
  ir-bench run dataset=beir/scifact retriever=bm25 --cfg job                          # print the settings, run nothing

A cell that was finished before is not computed again (force=true measures it anew); a killed run continues.
A part inside the retriever may be named by its kind alone: index=hnsw for index@retriever.index=hnsw,
encoder.model=… for retriever.encoder.model=…
"""


def page() -> str:
    """The whole page as text."""
    return EXAMPLES + "\n" + choices(("dataset", "retriever", "experiment", *KINDS), "config")


def choices(groups: Sequence[str], config: str) -> str:
    """The names in configuration groups, and the settings of `conf/<config>.yaml`."""
    lines = ["Choices"]
    for group in groups:
        if names := options(group):
            text = textwrap.fill(", ".join(names), 110, initial_indent="    ", subsequent_indent="    ")
            lines += [f"  {group}=", text]
    settings = (CONF / f"{config}.yaml").read_text(encoding="utf-8").split("\n\n")[1]
    return "\n".join([*lines, "", "Settings", textwrap.indent(settings, "  ")])
