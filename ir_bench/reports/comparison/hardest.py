"""The queries on which two systems differ most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ir_bench.errors import InputError
from ir_bench.evaluation.measured import HEAD, Measured
from ir_bench.evaluation.trec import read_run
from ir_bench.reports.comparison.compare import differences
from ir_bench.reports.comparison.model import Comparison, Found, Gap
from ir_bench.reports.comparison.systems import Cells, systems
from ir_bench.types import Dataset, Document, Run

SHOWN = 3  # documents of each system
CHARACTERS = 80  # of a title, or of a text without one
DIGITS = 12  # of a difference


def pair_of_interest(comparison: Comparison, measure: str) -> tuple[str, str]:
    """The system that gains most over the baseline (mean difference over the datasets both have) and the baseline;
    without one, the first two systems that share a dataset. Raises InputError for a measure that was not compared."""
    pairs = [pair for pair in comparison.pairs if pair.measure == measure]
    if not pairs:
        raise InputError(f"{measure} was not compared", "one of: " + ", ".join(comparison.measures))
    if comparison.settings.baseline is None:
        return pairs[0].system, pairs[0].other
    gains: dict[str, list[float]] = {}
    for pair in pairs:
        gains.setdefault(pair.system, []).append(pair.difference)
    best = max(gains, key=lambda system: sum(gains[system]) / len(gains[system]))
    return best, comparison.settings.baseline


def hardest_differences(
    measured: Sequence[Measured], pair: tuple[str, str], measure: str, count: int = 20
) -> list[Gap]:
    """The `count` queries, over all datasets that both systems of `pair` have, with the largest absolute difference of
    `measure`, largest first, ties by dataset and query id; queries without a difference are left out.

    Each with both values and the first three documents of both systems, where their rankings are at hand.
    """
    cells = systems(measured)
    one, other = pair
    gaps: list[tuple[float, str, str]] = []
    for dataset, result in cells[one].items():
        if dataset in cells[other]:
            found = differences(cells, dataset, measure, one, other)
            # differences that are equal but for rounding are ties, and no difference but rounding is none
            sizes = [-round(abs(gap), DIGITS) for gap in found.tolist()]
            gaps += [(size, dataset, query) for size, query in zip(sizes, result.queries, strict=True) if size]
    chosen = sorted(gaps)[:count]
    heads = {(label, dataset): _head(cells[label][dataset]) for label in pair for _, dataset, _ in chosen}
    return [_gap(cells, pair, dataset, query, measure, heads) for _, dataset, query in chosen]


def with_texts(gaps: Iterable[Gap], dataset: Dataset) -> list[Gap]:
    """The gaps of `dataset` with query texts, titles or first 80 characters of documents, and judgments; others as they
    are. The corpus is read once, and only the documents shown are kept."""
    given = list(gaps)
    mine = [gap for gap in given if gap.dataset == dataset.name]
    wanted = {f.document for gap in mine for found in gap.found.values() for f in found}
    queries, qrels, threshold = dataset.queries, dataset.qrels, dataset.rules.relevance_threshold
    texts: dict[str, str] = {}
    for document in dataset.corpus if wanted else ():
        if document.id in wanted:
            texts[document.id] = _short(document)
            if len(texts) == len(wanted):
                break

    def described(found: Found, query: str) -> Found:
        grade = qrels.get(query, {}).get(found.document)
        relevant = grade is not None and grade >= threshold
        return replace(found, text=texts.get(found.document), grade=grade, relevant=relevant)

    return [
        replace(
            gap,
            text=queries.get(gap.query),
            found={label: [described(f, gap.query) for f in found] for label, found in gap.found.items()},
        )
        if gap.dataset == dataset.name
        else gap
        for gap in given
    ]


def _gap(
    cells: Cells, pair: tuple[str, str], dataset: str, query: str, measure: str,
    heads: Mapping[tuple[str, str], Run | None],
) -> Gap:  # fmt: skip
    found = {}
    for label in pair:
        run = heads[label, dataset]
        if run is not None:
            documents = run[query].documents[:SHOWN] if query in run.rankings else []
            found[label] = [Found(document) for document in documents]
    values = {label: float(cells[label][dataset].per_query[measure][query]) for label in pair}
    return Gap(dataset, query, measure, values, found)


def _head(measured: Measured) -> Run | None:
    """The ten best documents a query where they are kept apart: a whole run takes long to read."""
    if measured.run is None and measured.folder is not None and (path := measured.folder / HEAD).is_file():
        return read_run(path)
    return measured.ranking()


def _short(document: Document) -> str:
    text = " ".join((document.title.strip() or document.text).split())
    return text if len(text) <= CHARACTERS else text[: CHARACTERS - 1] + "…"
