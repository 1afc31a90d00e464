"""Measured cells as the groups that may be compared: the same queries, judgments and rules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ir_bench.claims.command import split
from ir_bench.evaluation.measured import Measured


@dataclass(frozen=True)
class Cell:
    """A measured system under the name that it has on the page, the same on every dataset."""

    label: str
    measured: Measured


@dataclass(frozen=True)
class Group:
    """The systems measured on one dataset; `queries` are theirs, in one order."""

    label: str
    dataset: str
    split: str
    queries: tuple[str, ...]
    cells: tuple[Cell, ...]


def grouped(measured: Iterable[Measured]) -> list[Group]:
    """Groups by dataset name, cells by label.

    Two results of one dataset are in one group only when they have the same split, queries, judgments and rules;
    otherwise there are several groups, told apart by their labels.
    """
    results = list(measured)
    labels = _labels(results)
    members: dict[tuple[str, ...], list[Cell]] = {}
    for result, label in zip(results, labels, strict=True):
        members.setdefault(_data(result), []).append(Cell(label, result))
    named = _distinct([_names(key) for key in members])
    groups = []
    for name, cells in zip(named, members.values(), strict=True):
        first = cells[0].measured
        ordered = tuple(sorted(cells, key=lambda cell: cell.label))
        groups.append(Group(name, first.dataset, first.split, tuple(first.queries), ordered))
    return sorted(groups, key=lambda group: group.label)


def _data(result: Measured) -> tuple[str, ...]:
    system = result.system
    known = [str(system.get(key, "")) for key in ("queries", "judgments", "titles", "corpus", "rules")]
    return (result.dataset, result.split, *known, "\n".join(sorted(result.queries)))


def _names(key: tuple[str, ...]) -> list[str]:
    dataset, split, queries, judgments, titles, corpus = key[:6]
    told = f"{dataset} (queries {queries or '?'}, judgments {judgments or '?'}, titles {titles}, corpus {corpus[:8]})"
    return [dataset, f"{dataset} ({split})", told]


def _labels(results: Sequence[Measured]) -> list[str]:
    """The retriever with the settings of its command, in their shortest form that tells the cells apart."""
    forms = []
    for result in results:
        settings = _settings(result.command)
        short = _shortened(settings)
        full = [f"{key}={value}" for key, value in settings]
        key = result.folder.name.rpartition("-")[2] if result.folder else "a run file"
        forms.append((result, [" ".join([result.retriever, *s]) for s in (short, full)], key))
    labels = [names[0] for _, names, _ in forms]
    # The same words for different settings, anywhere on the page, would be one system to a reader.
    meanings: dict[str, set[str]] = {}
    for _, (short_name, full_name), _ in forms:
        meanings.setdefault(short_name, set()).add(full_name)
    for i, (_, (short_name, full_name), _) in enumerate(forms):
        if len(meanings[short_name]) > 1:
            labels[i] = full_name
    counts = Counter((_data(result), label) for (result, _, _), label in zip(forms, labels, strict=True))
    for i, (result, _, key) in enumerate(forms):
        if counts[_data(result), labels[i]] > 1:
            labels[i] += f" ({key})"
    return labels


def _settings(command: str) -> list[tuple[str, str]]:
    words = split(command)
    pairs = [word.partition("=")[::2] for word in words]
    kept = [
        (k, re.sub(r"""^(['"])(.*)\1$""", r"\2", v))
        for k, v in pairs
        if k not in ("dataset", "retriever") and not k.startswith(("dataset.", "+dataset"))
    ]
    return sorted(kept, key=lambda pair: "@" not in pair[0])  # choices of parts before their settings


def _shortened(settings: Sequence[tuple[str, str]]) -> list[str]:
    """Keys by as many of their last words as tell them apart: `similarity@retriever.index.similarity` → `similarity`,
    `retriever.index.similarity.k1` → `k1`."""
    words = [key.partition("@")[0].lstrip("+~").split(".") for key, _ in settings]
    short = []
    for mine, (_, value) in zip(words, settings, strict=True):
        size = next((n for n in range(1, len(mine)) if sum(w[-n:] == mine[-n:] for w in words) == 1), len(mine))
        short.append(f"{'.'.join(mine[-size:])}={value}")
    return short


def _distinct(names: Sequence[Sequence[str]]) -> list[str]:
    """For each list of names from short to long the first that no other list shares; a number where all are shared."""
    chosen = [each[0] for each in names]
    for level in range(1, len(names[0]) if names else 0):
        counts = Counter(chosen)
        chosen = [each[level] if counts[name] > 1 else name for each, name in zip(names, chosen, strict=True)]
    seen: Counter[str] = Counter()
    for i, name in enumerate(chosen):
        seen[name] += 1
        if seen[name] > 1:
            chosen[i] = f"{name} #{seen[name]}"
    return chosen
