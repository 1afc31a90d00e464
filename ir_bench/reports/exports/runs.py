"""The run of a results folder as a file for other evaluators: TREC's six columns or MS MARCO's three."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ir_bench.errors import InputError
from ir_bench.evaluation.files import write_text
from ir_bench.evaluation.measured import RUN, Measured
from ir_bench.evaluation.trec import read_run, write_run
from ir_bench.types import Run


def write_measured_run(measured: Measured, path: Path, form: Literal["trec", "msmarco"] = "trec") -> None:
    """Write the whole ranking, gzip when the name ends in ".gz"; the tag is the retriever's name.

    MS MARCO's columns are query, document and rank, separated by tabs. Raises InputError where only the head of the
    ranking was kept: other numbers would come of it.
    """
    run = _whole(measured)
    if form == "trec":
        write_run(run, path, measured.retriever)
        return
    write_text(
        path,
        (
            "".join(f"{query}\t{document}\t{rank}\n" for rank, document in enumerate(ranking.documents, 1))
            for query, ranking in run.rankings.items()
        ),
    )


def _whole(measured: Measured) -> Run:
    if measured.run is not None:
        return measured.run
    if measured.folder is not None and (measured.folder / RUN).is_file():
        return read_run(measured.folder / RUN)
    raise InputError(
        f"the whole run of {measured.folder or measured.retriever} is not at hand (it is not kept in version control)",
        f"{RUN} in the results folder",
        f"make it again: ir-bench run {measured.command} force=true" if measured.command else "make it again",
    )
