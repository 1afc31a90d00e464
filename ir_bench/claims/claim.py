"""A paper's headline claim as checks that can be run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from ir_bench.claims.finding import DIRECTIONS
from ir_bench.errors import InputError

QUANTITIES = (
    "mean", "difference", "ratio", "risen_share", "counted_cost", "cost_ratio", "candidates", "correlation", "monotone",
    "deviation",
)  # fmt: skip
AVERAGED = ("mean", "difference", "ratio", "counted_cost", "cost_ratio")  # over seeds
_KEYS = {"title", "statement", "source", "setting", "reduced", "datasets", "seed", "seeds", "level", "checks", "notes"}


@dataclass(frozen=True)
class Check:
    """One quantity over datasets against a size. `cells`: role -> retriever part of a command, or several of them; one
    with {seed} stands for one of each of `seeds`, whose values of a query are averaged."""

    name: str
    quantity: str
    cells: Mapping[str, str | list[str]]
    direction: str
    size: float
    settings: Mapping[str, Any]
    datasets: tuple[str, ...]
    seeds: tuple[int, ...] = ()

    def commands(self, dataset: str) -> dict[str, list[str]]:
        """Role -> the commands that measure it on a dataset."""
        found = {}
        for role, cells in self.cells.items():
            each = [cells] if isinstance(cells, str) else cells
            found[role] = [f"dataset={dataset} {cell}" for one in each for cell in self._of_seeds(one)]
        return found

    def trained(self, role: str) -> bool:
        """Whether a role is of a system trained from several seeds."""
        return "{seed}" in str(self.cells[role])

    def _of_seeds(self, cell: str) -> list[str]:
        return [cell.replace("{seed}", str(seed)) for seed in self.seeds] if "{seed}" in cell else [cell]


@dataclass(frozen=True)
class Claim:
    """One file of experiments/claims. `reduced` says how the check differs from the paper's setting."""

    name: str
    title: str
    statement: str
    source: Mapping[str, Any]
    setting: str
    reduced: str
    level: float
    seed: int
    notes: tuple[str, ...]
    checks: tuple[Check, ...]

    def commands(self) -> list[str]:
        """Every command of every check, once."""
        found = (c for k in self.checks for d in k.datasets for part in k.commands(d).values() for c in part)
        return list(dict.fromkeys(found))


def quantity(name: str) -> Any:
    """The function of a quantity: `ir_bench.claims.quantities.<name>.<name>`."""
    return getattr(import_module(f"ir_bench.claims.quantities.{name}"), name)


def read_claim(path: Path) -> Claim:
    """Raises InputError, with file and place, for anything that is not of the stated form."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read: {error}", "a YAML file as experiments/README.md describes") from None
    needed = {"title", "statement", "source", "datasets", "checks"}
    if not isinstance(content, Mapping) or set(content) - _KEYS or needed - set(content):
        found = ", ".join(map(str, content)) if isinstance(content, Mapping) else type(content).__name__
        raise InputError(f"{path} has the keys {found}", ", ".join(sorted(_KEYS)), "see experiments/README.md")
    if empty := [key for key in ("datasets", "checks") if not isinstance(content[key], list) or not content[key]]:
        raise InputError(f"{path}: {' and '.join(empty)} must list something", "one or more", "a check decides a claim")
    level = content.get("level", 0.95)
    if not isinstance(level, float) or not 0 < level < 1:
        raise InputError(f"{path}: level is {level!r}", "a fraction between 0 and 1, such as 0.95")
    return Claim(
        name=path.stem,
        title=content["title"],
        statement=content["statement"],
        source=content["source"],
        setting=content.get("setting", ""),
        reduced=content.get("reduced", ""),
        level=level,
        seed=int(content.get("seed", 0)),
        notes=tuple(content.get("notes") or ()),
        checks=tuple(
            _check(path, entry, content["datasets"], tuple(content.get("seeds") or ())) for entry in content["checks"]
        ),
    )


def _check(path: Path, entry: Mapping[str, Any], datasets: list[str], seeds: tuple[int, ...]) -> Check:
    if not isinstance(entry, Mapping):
        raise InputError(f"{path}: a check is {entry!r}", "name, quantity, cells, direction, size")
    settings = dict(entry)
    try:
        check = Check(
            name=settings.pop("name"),
            quantity=settings.pop("quantity"),
            cells=settings.pop("cells"),
            direction=settings.pop("direction"),
            size=float(settings.pop("size")),
            datasets=tuple(settings.pop("datasets", datasets)),
            settings=settings,
            seeds=seeds,
        )
    except KeyError as error:
        raise InputError(
            f"{path}: a check lacks {error}", "name, quantity, cells, direction, size", "see experiments/README.md"
        ) from None
    except (TypeError, ValueError):
        raise InputError(f"{path}: check {entry['name']!r} has the size {entry['size']!r}", "a number") from None
    if not isinstance(check.cells, Mapping) or not check.cells or not check.datasets:
        raise InputError(f"{path}: check {check.name!r} has no cells or no datasets", "role: cell, and one dataset")
    trained = [role for role in check.cells if check.trained(role)]
    if trained and (
        len(seeds) < 2 or check.quantity not in AVERAGED or not all(isinstance(check.cells[r], str) for r in trained)
    ):
        raise InputError(
            f"{path}: check {check.name!r} has cells with {{seed}}",
            f"two or more seeds, one cell a role, and one of {', '.join(AVERAGED)}",
            "see experiments/README.md",
        )
    for value, known in ((check.quantity, QUANTITIES), (check.direction, DIRECTIONS)):
        if value not in known:
            raise InputError(f"{path}: check {check.name!r} has {value!r}", "one of: " + ", ".join(known))
    return check
