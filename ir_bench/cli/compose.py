"""Configuration files to objects."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue

from ir_bench.errors import InputError

_HERE = Path(__file__).resolve()
# Beside the package in a checkout, inside it once installed from a wheel.
CONF = next(p for p in (_HERE.parents[2] / "conf", _HERE.parents[1] / "conf") if (p / "config.yaml").is_file())
KINDS = ("analyzer", "encoder", "expander", "fusion", "index", "reranker", "similarity", "transform")


def options(group: str) -> list[str]:
    """Names of the choices of a configuration group: the files below `conf/<group>`."""
    folder = CONF / group
    return sorted(p.relative_to(folder).with_suffix("").as_posix() for p in folder.rglob("*.yaml"))


def compose(overrides: Sequence[str], name: str = "config") -> DictConfig:
    """The configuration that a command line stands for: of `run`, or of `conf/<name>.yaml`. Raises InputError for an
    unknown name."""
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        try:
            return hydra.compose(name, overrides=list(overrides))
        except HydraException as error:
            raise InputError(str(error).strip()) from None


def part(group: str, option: str, overrides: Sequence[str] = ()) -> Any:
    """The object of one choice of one group, on its own: `part("dataset", "beir/scifact")`."""
    if option not in options(group):
        raise InputError(
            f"there is no {group} named {option!r}", "one of: " + ", ".join(options(group)), "check the spelling"
        )
    config = compose([f"+{group}@it={option}", "~dataset", "~retriever", *overrides])
    return build(config.it)


def about(group: str, option: str) -> str:
    """The comment at the head of a choice's file: a dataset's home page and licence, how a retriever is asked for."""
    path = CONF / group / f"{option}.yaml"
    if not path.is_file():
        return ""
    lines = path.read_text(encoding="utf-8").splitlines()
    head = lines[: next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))]
    return " ".join(line.lstrip("# ").strip() for line in head)


def build(config: DictConfig, choice: tuple[str, str] | None = None) -> Any:
    """Instantiate a configuration; an InputError raised by a part reaches the user as it is.

    Raises InputError for a setting without a value, with what is said `about` the choice (group, option) it is of.
    """
    try:
        return hydra.utils.instantiate(config, _convert_="all")
    except MissingMandatoryValue as error:
        said = about(*choice) if choice else ""
        raise InputError(
            f"{error.full_key} has no value, and no default",
            f"a value on the command line: {error.full_key}=VALUE",
            f"see conf/{'/'.join(choice)}.yaml: {said}" if choice and said else "add it to the command",
        ) from None
    except Exception as error:
        if isinstance(error.__cause__, InputError):
            raise error.__cause__ from None
        if isinstance(error, HydraException):
            raise InputError(str(error).strip(), fix="give the setting on the command line: key=value") from None
        raise


def cache_folder(setting: str | None) -> Path:
    """Where encodings, indexes and downloads are kept: the setting, $IR_BENCH_CACHE, or ~/.cache/ir_bench."""
    if setting:
        os.environ["IR_BENCH_CACHE"] = str(setting)  # where datasets and models look, also in worker processes
    return Path(os.environ.get("IR_BENCH_CACHE") or Path.home() / ".cache" / "ir_bench")


def expand(overrides: Sequence[str]) -> list[str]:
    """Name parts of the retriever in full: `index=hnsw` → `index@retriever.index=hnsw`, `encoder.model=X` →
    `retriever.encoder.model=X`. Raises InputError when a retriever has no such part or several, and when several
    retrievers have it in different places."""
    keys = [override.split("=")[0].lstrip("+~") for override in overrides]
    short = [(i, key) for i, key in enumerate(keys) if "@" not in key and key.split(".")[0] in KINDS]
    if not short:
        return list(overrides)
    choice = next((o.split("=", 1)[1] for o in overrides if o.startswith("retriever=")), None)
    if choice is None:
        raise InputError(
            f"{overrides[short[0][0]]}: the part cannot be found without retriever=…",
            "retriever=NAME, or the full path",
            f"write retriever.{keys[short[0][0]]}=… or {keys[short[0][0]]}@retriever.…=…",
        )
    known = {name: _parts(name) for name in choice.split(",")}
    expanded = list(overrides)
    for i, key in short:
        kind, _, rest = key.partition(".")
        of = {name: [path for path in parts if path.split(".")[-1] == kind] for name, parts in known.items()}
        name, paths = next(((n, some) for n, some in of.items() if len(some) != 1), next(iter(of.items())))
        if len(paths) != 1:
            found = ", ".join(f"retriever.{path}" for path in paths) or "none"
            raise InputError(
                f"{overrides[i]}: retriever {name} has {len(paths)} parts of kind {kind}: {found}",
                "exactly one",
                "write the full path, for example retriever.index.similarity.k1=1.2 or index@retriever.index=hnsw",
            )
        if any(some != paths for some in of.values()):
            raise InputError(
                f"{overrides[i]}: the part is in another place of each retriever: "
                + ", ".join(f"retriever.{some[0]} of {n}" for n, some in of.items()),
                "one place in all of them",
                "give these retrievers a command each",
            )
        full = f"retriever.{paths[0]}"
        new = f"{full}.{rest}" if rest else f"{kind}@{full}"
        expanded[i] = overrides[i].replace(key, new, 1)
    return expanded


# What does not change a result is not part of a cell's name: keys, and the last words of longer keys.
_ELSEWHERE = ("results", "cache", "force", "measures", "latency_queries")
_UNCHANGING = ("device", "batch_size", "threads", "documents_per_shard")


def canonical(overrides: Sequence[str]) -> str:
    """The one command line of a cell: dataset and retriever first, the other settings in full and sorted; settings
    that change no result are left out."""
    kept = {}
    for override in expand(overrides):
        key, _, value = override.partition("=")
        if key not in _ELSEWHERE and key.split(".")[-1] not in _UNCHANGING and not key.startswith("hydra."):
            kept[key] = value
    first = [key for key in ("dataset", "retriever") if key in kept]
    return " ".join(f"{key}={kept[key]}" for key in [*first, *sorted(kept.keys() - set(first))])


def chosen(overrides: Sequence[str], group: str) -> str:
    """The name that overrides choose for a group. Raises InputError unless they do so once."""
    found = [o.partition("=")[2] for o in overrides if o.startswith(f"{group}=")]
    if len(found) != 1:
        raise InputError(f"{' '.join(overrides)!r} names {len(found)} {group}s", f"{group}=NAME", "correct the command")
    return found[0]


@cache
def _parts(retriever: str) -> list[str]:
    """Paths of the parts inside a retriever's configuration."""
    return list(_paths(compose([f"+retriever@it={retriever}", "~dataset", "~retriever"]).it))


def _paths(tree: Mapping, prefix: str = "") -> Iterator[str]:
    for key in tree:
        if not OmegaConf.is_missing(tree, key) and isinstance(tree[key], Mapping):
            yield f"{prefix}{key}"
            yield from _paths(tree[key], f"{prefix}{key}.")
