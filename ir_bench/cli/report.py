"""`ir-bench report`: measured systems as one HTML file."""

from __future__ import annotations

import datetime
import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ir_bench.claims.command import split
from ir_bench.errors import InputError

if TYPE_CHECKING:
    from ir_bench.evaluation.measured import Measured
    from ir_bench.reports.html.cells import Group
    from ir_bench.reports.html.data import Data, Published, Source
    from ir_bench.reports.html.explanations import Explainer
    from ir_bench.types import Dataset

AGREE = 1e-6  # a value in a table is ours when it is the mean of these queries but for rounding


def report(
    results: Annotated[list[Path], typer.Argument(help="Results folders, or folders above them: results/runs.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path("report.html"),
    measures: Annotated[
        str | None, typer.Option(help="Which measures, with commas; all that were scored unless given.")
    ] = None,
    datasets: Annotated[
        str | None, typer.Option(help="Only these datasets, with commas; a/ means all below a.")
    ] = None,
    title: Annotated[str, typer.Option(help="The heading of the page.")] = "",
    explain: Annotated[bool, typer.Option("--explain/--no-explain", help="Say which terms made a score.")] = True,
    texts_mb: Annotated[float, typer.Option(help="Megabytes of document texts, before compression.")] = 20.0,
) -> None:
    """Show measured systems to others: one HTML file that opens from disk and needs no network.

    A sortable table with intervals, effectiveness against cost, a comparison query by query, curves, and for each
    query the rankings side by side with the documents and the terms that matched. Published values and verdicts come
    from the pages of ir-bench reproduce, results/tables beside results/runs.

    Example: `ir-bench report results/runs/beir/scifact -o scifact.html`
    """
    names = [name.strip() for name in re.split(r",(?![^(]*\))", measures)] if measures else []
    text = make(results, names, (datasets or "").split(","), title, explain=explain, text_bytes=int(texts_mb * 1e6))
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"cannot write {output}: {error.strerror}", "a file in a folder that can be written", "choose another -o"
        ) from None
    print(f"{output} ({output.stat().st_size / 1e6:.1f} MB)")


def make(
    results: Iterable[Path],
    measures: list[str],
    datasets: Iterable[str] = (),
    title: str = "",
    *,
    explain: bool = True,
    text_bytes: int = 20_000_000,
) -> str:
    """The page of all results at or below some folders. Raises InputError for none, and one that names every result
    whose files do not belong together."""
    from importlib.metadata import version

    from ir_bench.reports.html.cells import grouped
    from ir_bench.reports.html.page import page

    paths = list(results)
    groups = grouped(_read(paths, [d.strip() for d in datasets if d.strip()]))
    tables = list(_tables(paths))
    data = {group.label: _data(group, _published(group, tables)) for group in groups}
    explainers = {group.label: _explainers(group, data[group.label]) for group in groups} if explain else {}
    return page(
        groups,
        data,
        explainers,
        title=title,
        measures=measures,
        date=datetime.date.today().isoformat(),
        version=version("ir-bench"),
        text_bytes=text_bytes,
    )


def _read(paths: Sequence[Path], datasets: list[str]) -> list[Measured]:
    from ir_bench.evaluation.measured import read_measured

    folders = sorted({scores.parent for path in paths for scores in _scores(path)})
    measured, broken = [], []
    for folder in folders:
        try:
            measured.append(read_measured(folder))
        except InputError as error:
            broken.append(str(error))
    if broken:
        raise InputError(
            f"{len(broken)} of {len(folders)} results cannot be shown:\n" + "\n".join(broken),
            "results as the harness wrote them",
            "measure these cells again, or name the other folders",
        )
    kept = [m for m in measured if not datasets or any(_is(m.dataset, name) for name in datasets)]
    if not kept:
        below = ", ".join(map(str, paths))
        what = f"no result of {', '.join(datasets)}" if measured else "no result"
        raise InputError(
            f"{what} at or below {below}", "results/runs/<dataset>/<retriever>-<fingerprint>", "run ir-bench run first"
        )
    return kept


def _scores(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        raise InputError(f"there is no folder {path}", "a results folder or one above", "check the path")
    return path.rglob("scores.json")


def _is(dataset: str, name: str) -> bool:
    return dataset == name or (name.endswith("/") and dataset.startswith(name))


def _tables(paths: Iterable[Path]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Name and measured values of every table in the folder `tables` beside the `runs` that a path is, or lies in."""
    absolute = [path.resolve() for path in paths]
    above = {folder.parent for path in absolute for folder in (path, *path.parents) if folder.name == "runs"}
    folders = {folder / "tables" for folder in above} | {path / "tables" for path in absolute}
    for path in sorted(file for folder in folders for file in folder.glob("*.json")):
        try:
            yield path.stem, list(json.loads(path.read_text(encoding="utf-8"))["measured"])
        except (ValueError, KeyError, TypeError):
            raise InputError(
                f"{path} is no reproduced table", "a file written by ir-bench reproduce", "reproduce the table again"
            ) from None


def _published(
    group: Group, tables: Iterable[tuple[str, list[dict[str, Any]]]]
) -> dict[tuple[str, str], Published]:  # fmt: skip
    """(system, measure) → what a table says of it; of several tables the one that printed most digits.

    A table that was made from another measurement than the one shown says nothing about it.
    """
    from ir_bench.reports.html.data import Published

    by_command: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for table, entries in tables:
        for entry in entries:
            by_command.setdefault(entry["command"] or "", []).append((table, entry))
    found: dict[tuple[str, str], Published] = {}
    for cell in group.cells:
        means = cell.measured.means
        for table, entry in by_command.get(cell.measured.command, []) if cell.measured.command else []:
            key = cell.label, entry["measure"]
            if abs(means.get(entry["measure"], float("inf")) - entry["ours"]) > AGREE:
                continue
            printed = _printed(entry)
            if key not in found or _digits(printed) > _digits(found[key].value):
                found[key] = Published(printed, entry["verdict"], table)
    return found


def _printed(entry: Mapping[str, Any]) -> str:
    """A published value with the digits it was printed with, as far as the table says how many."""
    value, decimals = entry["published"], entry.get("decimals")
    return repr(value) if decimals is None else f"{value:.{decimals}f}"


def _digits(printed: str) -> int:
    return len(printed.partition(".")[2])


def _data(group: Group, published: Mapping[tuple[str, str], Published]) -> Data:
    """The group's dataset, where it is on this machine and still has the queries and judgments that were measured."""
    from ir_bench.cli.compose import about
    from ir_bench.reports.html.data import Data

    sources = {cell.label: sources_of(tuple(_of_retriever(cell.measured.command))) for cell in group.cells}
    try:
        dataset, missing = _dataset(group)
    except InputError as error:
        dataset, missing = None, f"The collection could not be read: {error.happened}"
    return Data(dataset, missing, about("dataset", group.dataset), published, sources, _collection(group.dataset))


def _dataset(group: Group) -> tuple[Dataset | None, str]:
    """The dataset, or why it is not shown."""
    from ir_bench.fingerprint import fingerprint

    measured = group.cells[0].measured
    source = _source(group.dataset, _own(measured))
    if not hasattr(source, "locate") or source.locate() is None:
        where = source.describe_source() if hasattr(source, "describe_source") else "see its configuration"
        return None, f"The collection was not on the machine that made this page. To get it: {where}"
    data = source.load()
    for part, here in (("queries", data.queries), ("judgments", data.qrels)):
        if part in measured.system and fingerprint(here) != measured.system[part]:
            return None, f"The {part} on the machine that made this page are not those measured."
    return data, ""


def _own(measured: Measured) -> tuple[str, ...]:
    return tuple(o.replace("dataset.", "it.", 1) for o in split(measured.command) if o.startswith("dataset."))


@cache
def _source(dataset: str, overrides: tuple[str, ...]) -> Any:
    from ir_bench.cli.compose import part

    return part("dataset", dataset, overrides)


def _of_retriever(command: str) -> list[str]:
    return [o for o in split(command) if not o.startswith("dataset")]


def _collection(dataset: str) -> list[Source]:
    """What a collection of collections asks to be cited by, besides the page and licence of its member."""
    from ir_bench.datasets import beir
    from ir_bench.reports.html.data import Source

    return [Source("BEIR", text) for text in _cited(beir.__doc__)] if dataset.startswith("beir/") else []


@cache
def sources_of(settings: tuple[str, ...]) -> tuple[Source, ...]:
    """The sources that the parts of a retriever name in their docstrings, and the weights that it loads."""
    from ir_bench.cli.compose import compose, expand
    from ir_bench.reports.html.data import Source

    try:
        tree = compose(expand(["dataset=sample", *settings])).retriever if settings else {}
    except InputError:
        return ()  # a command of an older version: what it stood for is not known any more
    found: dict[Source, None] = {}
    for node in _nodes(tree):
        if target := node.get("_target_"):
            part = _target(target)
            found.update({Source(part.__name__, text): None for text in _cited(part.__doc__)} if part else {})
        if isinstance(node.get("model"), str):
            found[Source("weights", node["model"])] = None
    return tuple(found)


def _nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    from omegaconf import OmegaConf

    waiting: list[Any] = [OmegaConf.to_container(tree, resolve=False) if OmegaConf.is_config(tree) else tree]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, Mapping):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _target(path: str) -> Any:
    import hydra

    try:
        return hydra.utils.get_object(path)
    except Exception:  # whatever an import can raise; a part that cannot be loaded here has no docstring here
        return None


def _cited(text: str | None) -> list[str]:
    """What follows `Source:`, as far as the next paragraph, what differs from the source, or what is raised."""
    found = re.findall(r"Source:(.*?)(?=\n\s*\n|\bDiffers:|\bRaises\b|Source:|\Z)", inspect.cleandoc(text or ""), re.S)
    return [" ".join(each.split()) for each in found]


def _explainers(group: Group, data: Data) -> dict[str, Explainer]:
    """System → its `explain`, built when it is first asked; those that cannot explain are left out."""
    found: dict[str, Explainer] = {}
    if data.dataset is None:
        return found
    for cell in group.cells:
        settings = _of_retriever(cell.measured.command)
        if settings and _can_explain(tuple(settings)):
            found[cell.label] = _built(tuple(settings), data)
    return found


@cache
def _can_explain(settings: tuple[str, ...]) -> bool:
    from ir_bench.cli.explain import explainer

    try:
        explainer(_retriever(settings))
    except InputError:
        return False
    return True


def _retriever(settings: tuple[str, ...]) -> Any:
    from ir_bench.cli.compose import build, compose, expand

    return build(compose(expand(["dataset=sample", *settings])).retriever)


def _built(settings: tuple[str, ...], data: Data) -> Explainer:
    ready: list[Explainer] = []

    def explain(query: str, documents: Sequence[str]) -> Mapping[str, Any]:
        if not ready:
            from ir_bench.cli.compose import cache_folder
            from ir_bench.cli.explain import explainer
            from ir_bench.corpus_ids import document_ids
            from ir_bench.encoding import RowFinder, document_texts
            from ir_bench.store import Store

            assert data.dataset is not None
            corpus, store, retriever = data.dataset.corpus, Store(cache_folder(None)), _retriever(settings)
            retriever.build(corpus, store)
            why, rows, texts = (
                explainer(retriever),
                RowFinder(document_ids(corpus, store)),
                document_texts(corpus, store),
            )

            def ask(query: str, documents: Sequence[str]) -> Mapping[str, Any]:
                some = [texts[row] for row in rows(documents).tolist()]
                return why(query, documents, dict(zip(documents, some, strict=True)))

            ready.append(ask)
        return ready[0](query, documents)

    return explain
