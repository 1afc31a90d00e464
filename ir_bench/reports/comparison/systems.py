"""Which results are of one system, what systems are called, and whether they may be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, count

from ir_bench.claims.command import split
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured
from ir_bench.fingerprint import fingerprint

Cells = Mapping[str, Mapping[str, Measured]]  # label -> dataset -> result
DATA = ("split", "corpus", "queries", "judgments", "rules")  # entries of system.yaml that must agree


def systems(measured: Sequence[Measured]) -> dict[str, dict[str, Measured]]:
    """Results by system and dataset, in the order given; a result that is given twice counts once.

    Results of one retriever name are one system, unless a dataset has several of them: then each setting is a system
    and is called after what was set, and where that is not enough, after its fingerprint or a number too.
    """
    names: dict[str, list[Measured]] = {}
    for result in measured:
        given = names.setdefault(result.retriever, [])
        if not any(_same(result, other) for other in given):
            given.append(result)
    labelled: dict[str, dict[str, Measured]] = {}
    for name, results in names.items():
        one_each = len({r.dataset for r in results}) == len(results)
        for label, of_one in [(name, results)] if one_each else _by_settings(name, results):
            labelled[_unused(label, labelled)] = {r.dataset: r for r in of_one}
    order = {id(result): i for i, result in enumerate(measured)}
    return dict(sorted(labelled.items(), key=lambda item: min(order[id(r)] for r in item[1].values())))


def require_same_data(cells: Cells) -> None:
    """Raises InputError naming what differs, when two systems were measured on other queries, judgments, corpora or
    rules of one dataset. What a run file does not say is not compared."""
    for (one, first), (other, second) in combinations(cells.items(), 2):
        for dataset in first.keys() & second.keys():
            a, b = first[dataset], second[dataset]
            different = [key for key in DATA if _said(a, key) and _said(b, key) and _said(a, key) != _said(b, key)]
            only = len(set(a.queries) ^ set(b.queries))
            if only or different:
                queries = f"{only} {'query' if only == 1 else 'queries'} that only one of them has"
                what = [queries] * bool(only) + [f"different {', '.join(different)}"] * bool(different)
                raise InputError(
                    f"{one} and {other} were not measured on the same data of {dataset}: {'; '.join(what)}",
                    "the same judged queries, judgments, corpus and rules for all systems of a dataset",
                    "measure both again with ir-bench run, or score both run files on the same dataset and split",
                )


def settings_vary(name: str, results: Iterable[Measured]) -> str | None:
    """A note for a system whose settings are not the same on all its datasets."""
    kinds = {_settings(result) for result in results}
    return f"{name} has different settings on different datasets" if len(kinds) > 1 else None


def _said(measured: Measured, key: str) -> object:
    return measured.split if key == "split" else measured.system.get(key)


def _same(one: Measured, other: Measured) -> bool:
    return one is other or (
        one.folder is not None and other.folder is not None and one.folder.resolve() == other.folder.resolve()
    )


def _settings(measured: Measured) -> str:
    return fingerprint({key: measured.system.get(key) for key in ("retriever", "k", "titles")})


def _by_settings(name: str, results: Sequence[Measured]) -> list[tuple[str, list[Measured]]]:
    groups: list[tuple[str, dict[str, Measured]]] = []
    for result in results:
        key = _settings(result)
        place = next((g for k, g in groups if k == key and result.dataset not in g), None)
        if place is None:
            groups.append((key, {result.dataset: result}))
        else:
            place[result.dataset] = result
    set_ = [_set(next(iter(group.values())).command) for _, group in groups]
    keys = {key for each in set_ for key, _ in each}
    labels = [" ".join([name, *(f"{_short(key, keys)}={value}" for key, value in each)]) for each in set_]
    labels = _told_apart(labels, [key[:6] for key, _ in groups])
    return [(label, list(group.values())) for label, (_, group) in zip(labels, groups, strict=True)]


def _set(command: str) -> list[tuple[str, str]]:
    """Keys and values of a command's settings, but for dataset and retriever; `similarity@retriever.index.similarity`,
    which chooses a part, is `retriever.index.similarity`."""
    words = [word for word in split(command) if not word.startswith(("dataset", "retriever="))]
    settings = [word.lstrip("+~").partition("=") for word in words]
    return [(key.rpartition("@")[2], value) for key, _, value in settings]


def _short(key: str, keys: Iterable[str]) -> str:
    """The last words of a key that no other of `keys` ends in: `k1` of `retriever.index.similarity.k1`."""
    words = key.split(".")
    others = [other for other in keys if other != key]
    endings = (".".join(words[-n:]) for n in range(1, len(words)))
    return next((e for e in endings if not any(f".{other}".endswith(f".{e}") for other in others)), key)


def _told_apart(labels: Sequence[str], marks: Sequence[str]) -> list[str]:
    """Equal labels with what sets them apart: their marks, or their numbers where marks are equal too."""
    times = Counter(labels)
    marked = Counter(zip(labels, marks, strict=True))
    unclear = {label for (label, _), number in marked.items() if number > 1}
    found: list[str] = []
    for i, (label, mark) in enumerate(zip(labels, marks, strict=True)):
        number = labels[: i + 1].count(label)
        found.append(label if times[label] == 1 else f"{label}-{number if label in unclear else mark}")
    return found


def _unused(label: str, used: Iterable[str]) -> str:
    taken = set(used)
    return next(name for i in count(1) if (name := label if i == 1 else f"{label} ({i})") not in taken)
