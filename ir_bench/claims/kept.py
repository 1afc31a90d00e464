"""The results on disk, found by the command that makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from ir_bench.evaluation.measured import Measured, StaleResult, read_measured

Members = Callable[[str], list[str]]


@dataclass(frozen=True)
class Kept:
    """Results below `root` (results/runs). `members` names the commands that a command over a group of datasets stands
    for (CQADupStack's twelve forums), or gives the command alone; `check` raises StaleResult for a result of other
    settings.
    """

    root: Path
    members: Members = lambda command: [command]
    check: Callable[[Measured], None] = lambda measured: None

    def find(self, command: str) -> list[Measured] | None:
        """What was measured for a command: one result, or one for each member of a group; None unless all are there.

        Raises StaleResult for a folder whose files do not belong together, and for two results of one command.
        """
        folders = self.folders(command)
        return None if folders is None else [self._read(folder) for folder in folders]

    def folders(self, command: str) -> list[Path] | None:
        """The folders of a command and its members, unread; None unless all are there."""
        if command in self.by_command:
            folders = [self._folder(command)]
        else:
            folders = [self._folder(member) for member in self.members(command)]
        return None if None in folders else [folder for folder in folders if folder]

    def _folder(self, command: str) -> Path | None:
        folders = self.by_command.get(command, [])
        if len(folders) > 1:
            raise StaleResult(
                f"two results were made by `ir-bench run {command}`: " + " and ".join(map(str, folders)),
                "one; settings or data changed between them",
                "delete the older one",
            )
        return folders[0] if folders else None

    def _read(self, folder: Path) -> Measured:
        if folder not in self._seen:
            measured = read_measured(folder)
            self.check(measured)
            self._seen[folder] = measured
        return self._seen[folder]

    @cached_property
    def _seen(self) -> dict[Path, Measured]:
        return {}

    @cached_property
    def by_command(self) -> Mapping[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        for path in sorted(self.root.rglob("scores.json")):
            system = path.with_name("system.yaml")
            if system.is_file():
                command = yaml.load(system.read_text(encoding="utf-8"), loader).get("command")
                found.setdefault(command, []).append(path.parent)
        return found
