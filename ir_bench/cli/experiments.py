"""Paper tables and claims by name, and which of their cells can run on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from ir_bench.claims.command import split
from ir_bench.claims.kept import Kept
from ir_bench.claims.stale import require_current
from ir_bench.cli import trainings
from ir_bench.cli.compose import CONF, build, canonical, chosen, compose, options, part
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured

# Beside conf/, in a checkout and in an installed package.
EXPERIMENTS = CONF.parent / "experiments"


def names(kind: str) -> dict[str, Path]:
    """Files of experiments/tables or experiments/claims by their names."""
    return {path.stem: path for path in sorted((EXPERIMENTS / kind).glob("*.yaml"))}


def named(command: str) -> str:
    """The canonical form of a command, under which its result is kept."""
    return canonical(split(command))


def resolve(command: str) -> str:
    """The canonical form of a command. Raises InputError for one that this version has no parts for."""
    overrides = split(command)
    for group in ("dataset", "retriever"):
        choice = chosen(overrides, group)
        if choice not in _options(group):
            raise InputError(f"{group}={choice} is not part of this version", fix="see `ir-bench run --help`")
    rest = [o for o in overrides if not o.startswith("dataset=")]
    _composed(" ".join(rest))
    return named(command)


@dataclass(frozen=True)
class Lack:
    """What keeps a command from running here: `data` of a dataset or `weights` of a model; how to get it."""

    kind: str
    name: str
    source: str

    def __str__(self) -> str:
        return f"the {self.kind} of {self.name} are not on the machine of the measurement ({self.source})"


def lack(command: str) -> Lack | None:
    """What this machine lacks for a command, or None. Downloads nothing."""
    overrides = split(command)
    dataset = chosen(overrides, "dataset")
    place, source = _data(dataset)
    if place is None:
        return Lack("data", dataset, source)
    for name, _ in trainings.named(command):
        for each in trainings.datasets(name):
            place, source = _data(each)
            if place is None:
                return Lack("data", each, source)
    for model in _models(_composed(" ".join(o for o in overrides if not o.startswith("dataset="))).retriever):
        if not _is_local(model) and not trainings.named(model):
            return Lack("weights", model, "a hub checkpoint")
    return None


def members(command: str) -> list[str]:
    """The commands of a group's members (CQADupStack), or the command alone."""
    dataset, *rest = split(command)
    source = _source(dataset.removeprefix("dataset="))
    if not hasattr(source, "members"):
        return [command]
    return [canonical([f"dataset={member.name}", *rest]) for member in source.members.values()]


def kept(results: Path) -> Kept:
    return Kept(results / "runs", members)


def require_up_to_date(measured: Measured) -> None:
    """Raises StaleResult when settings, rules or, where they are here, judgments and queries changed since."""
    from dataclasses import asdict

    from ir_bench.fingerprint import describe, fingerprint

    overrides = split(measured.command)
    rest = " ".join(o for o in overrides if not o.startswith("dataset="))
    dataset = chosen(overrides, "dataset")
    own = tuple(o for o in overrides if o.startswith("dataset."))
    source = _source(dataset, own)
    now: dict[str, Any] = {"rules": asdict(source.rules), "titles": source.titles, "split": source.split}
    config = _composed(rest)
    if all(_is_local(model) for model in _models(config.retriever)):
        now["retriever"] = _described(rest)
    if source.locate() is not None:
        data = _loaded(dataset, own)
        now |= {"queries": fingerprint(data.queries), "judgments": fingerprint(data.qrels)}
    now["k"] = config.k
    require_current(measured, {key: describe(value) for key, value in now.items()})


def documents(command: str) -> int | None:
    """The number of documents of a command's dataset, where its configuration says so."""
    source = _source(chosen(split(command), "dataset"))
    parts = list(source.members.values()) if hasattr(source, "members") else [source]
    counts: list[int] = [getattr(each, "documents", None) or 0 for each in parts]
    return sum(counts) if all(counts) else None


def download_bytes(command: str) -> int | None:
    """Bytes of a dataset's download, where known."""
    source = _source(chosen(split(command), "dataset"))
    return source.download_bytes() if hasattr(source, "download_bytes") else None


@lru_cache
def _options(group: str) -> frozenset[str]:
    return frozenset(options(group))


@cache
def _composed(rest: str) -> DictConfig:
    """A configuration with any dataset: composing takes long, and tables have many datasets."""
    from ir_bench.cli.compose import expand

    own = [o for o in split(rest) if not o.startswith(("dataset.", "measures="))]
    return compose(expand(["dataset=sample", *own]))


@cache
def _described(rest: str) -> Any:
    from ir_bench.fingerprint import describe

    return describe(build(_composed(rest).retriever))


@cache
def _source(dataset: str, own: tuple[str, ...] = ()) -> Any:
    return part("dataset", dataset, [o.replace("dataset.", "it.", 1) for o in own])


@lru_cache(maxsize=8)
def _loaded(dataset: str, own: tuple[str, ...]) -> Any:
    return _source(dataset, own).load()


@cache
def _data(dataset: str) -> tuple[Path | None, str]:
    from ir_bench.datasets.available import availability

    found = availability(dataset, _source(dataset))
    size = f"download of {found.download_bytes / 1e6:,.0f} MB" if found.download_bytes else "see its configuration"
    return found.found, size


def _models(config: Mapping) -> Iterator[str]:
    for key in config:
        value = config[key]
        if key == "model" and isinstance(value, str):
            yield value
        elif isinstance(value, Mapping) or hasattr(value, "items"):
            yield from _models(value)


@cache
def _is_local(model: str) -> bool:
    from ir_bench.models import is_local

    return is_local(model)
