"""Where a model's files are, what identifies them, and loading them with errors that say what to do."""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from ir_bench.errors import InputError
from ir_bench.fingerprint import fingerprint

PACKAGE = "package:"
HEAD = "head:"
HEADS = Path(__file__).parent / "trained"
TRAINED = "trained:"
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?(@[\w.-]+)?")
# What results can depend on. Pickled weights (*.bin, *.pt) are absent on purpose: reading them can run foreign code.
FILES = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "*.py", "artifact.metadata")  # the last: ColBERT's
UNRELATED = re.compile(r"(^|/)(onnx|openvino|\.[^/]+|checkpoint-[^/]+)/|(^|/)(trainer_state|data_config)\.json$")


def locate(model: str) -> Path | str:
    """The folder of a local model (`path/to/folder`, `package:NAME` for one that a Python package carries, `head:NAME`
    for a head of this package, `trained:NAME@SEED` for one that `ir-bench reproduce` trained), or the hub id
    (`owner/name`, with `@revision` to pin one) unchanged. Raises InputError where there is no such folder."""
    if model.startswith(PACKAGE):
        return _carried_by(model.removeprefix(PACKAGE))
    if model.startswith(HEAD):
        return _own_head(model.removeprefix(HEAD))
    if model.startswith(TRAINED):
        return _trained(model.removeprefix(TRAINED))
    path = Path(model).expanduser()
    if model and path.is_dir():
        return path
    if path.is_file():
        raise InputError(f"the model {model} is a file", "a folder with config.json and model.safetensors", "name it")
    if not HUB_ID.fullmatch(model):
        raise InputError(
            f"there is no model folder {model!r}",
            "a local folder, a hub id (owner/name) or package:NAME",
            "correct the path; a relative one starts at the folder the command runs in",
        )
    return model


def folder(model: str) -> Path:
    """The folder that holds a model's files, downloaded first where it is a hub id, and checked.

    Raises InputError for a folder without safetensors weights or with configuration that cannot be read, and for a
    hub id that can be had neither from the network nor from the local hub cache.
    """
    place = locate(model)
    if isinstance(place, str):
        place = _download(place)
    _check(place, model)
    return place


def provenance(model: str) -> dict[str, str]:
    """`model`: hub id, package name or last folder name; `weights`: the hub commit, or a SHA-256 over the weights,
    configuration and tokenizer files of a local folder."""
    place = locate(model)
    if isinstance(place, str):
        return {"model": model.partition("@")[0], "weights": folder(model).name}
    if model.startswith(TRAINED):
        # what it was made from: another machine's weights differ in their last digits
        made = json.loads((place / "training.json").read_text(encoding="utf-8"))
        identity = {key: made[key] for key in ("recipe", "model", "data", "seed")}
        return {"model": model, "training": fingerprint(identity)}
    name = model.removeprefix(PACKAGE) if model.startswith(PACKAGE) else place.resolve().name
    _check(place, model)
    total = hashlib.sha256()
    for path in _files(place):
        status = path.stat()
        checksum = _checksum(str(path.resolve()), status.st_size, status.st_mtime_ns)
        total.update(f"{path.relative_to(place).as_posix()} {checksum}\n".encode())
    return {"model": name, "weights": total.hexdigest()}


def is_local(model: str) -> bool:
    """Whether a model's files can be had without the network: a folder, a package, or a hub id in the hub's cache."""
    try:
        place = locate(model)
    except InputError:
        return False
    if not isinstance(place, str):
        return True
    from huggingface_hub import try_to_load_from_cache

    name, _, revision = place.partition("@")
    found = (try_to_load_from_cache(name, file, revision=revision or None) for file in ("config.json", "modules.json"))
    return any(isinstance(path, str) for path in found)


@contextmanager
def loading(model: str, begun: Sequence[str] = ()) -> Iterator[None]:
    """Around a library's loader: raises InputError with its complaint, and for weights that the files lack, but for
    those with one of the names `begun`, which are to be learned.

    transformers gives missing weights random values and only logs that it did: results would look plausible.
    """
    reports = _Reports(level=logging.WARNING)
    logger = logging.getLogger("transformers.modeling_utils")
    level, propagate, disabled = logger.level, logger.propagate, logger.disabled
    logger.addHandler(reports)
    logger.propagate = False  # the table lists harmless leftovers too
    logger.setLevel(logging.WARNING)  # heard also where the user has silenced transformers,
    logger.disabled = False  # or a configuration of logging has, which disables the loggers there are
    # its list of layers "not sharded" over several devices is logged for every model that is not meant to be
    logging.getLogger("transformers.distributed.tensor_parallel").setLevel(logging.ERROR)
    try:
        with without_bars():
            yield
    except InputError:
        raise
    except Exception as error:  # whatever a foreign loader raises on a user's files
        raise InputError(
            f"the model {model} cannot be loaded: {_first_line(error)}",
            "a sentence-transformers or transformers model saved as safetensors",
            "download or save the folder again; trust_remote_code=true if it brings its own code and you trust it",
        ) from error
    finally:
        logger.removeHandler(reports)
        logger.propagate = propagate
        logger.setLevel(level)
        logger.disabled = disabled
    if missing := [name for name in reports.missing if not any(part in name.split(".") for part in begun)]:
        raise InputError(
            f"the model {model} lacks {len(missing)} kinds of weights that its configuration calls for, "
            f"{missing[0]} first; they would be random numbers",
            "weights for every layer",
            "check that config.json and the weights belong together",
        )


@contextmanager
def without_bars() -> Iterator[None]:
    """Around transformers reading or writing weights: without its progress bars."""
    from transformers.utils import logging as transformers_logging

    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()


class _Reports(logging.Handler):
    """Collects the names of missing weights from the table that transformers logs after loading."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.missing: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        for line in re.sub(r"\x1b\[[0-9;]*m", "", record.getMessage()).split("\n"):
            name, _, status = line.partition("|")
            # BERT's own pooler is often not saved: mean, CLS and last-token pooling do not use it
            if status.strip().startswith("MISSING") and "pooler" not in name:
                self.missing.append(name.strip())


def _trained(name: str) -> Path:
    place = trained_folder(name)
    if not (place / "training.json").is_file():
        raise InputError(
            f"{name} was not trained here",
            f"a training of experiments/trainings.yaml, with its seed, below {place.parent}",
            "run `ir-bench reproduce CLAIM` for the claim that names it, which trains it first",
        )
    return place


def trained_folder(name: str) -> Path:
    """Where the training NAME@SEED of experiments/trainings.yaml leaves its model, below the cache folder."""
    return Path(os.environ.get("IR_BENCH_CACHE") or Path.home() / ".cache" / "ir_bench") / "trained" / name


def _carried_by(package: str) -> Path:
    try:
        return Path(importlib.import_module(package).MODEL_DIR)
    except (ImportError, ValueError, AttributeError) as error:
        raise InputError(
            f"the Python package {package!r} gives no model: {_first_line(error)}",
            "an installed package with a MODEL_DIR",
            f"pip install {package.replace('_', '-')}",
        ) from error


def _own_head(name: str) -> Path:
    carried = sorted(path.parent.name for path in HEADS.glob("*/modules.json"))
    if name not in carried:
        raise InputError(f"this package has no head {name!r}", " or ".join(carried), "correct the name after head:")
    return HEADS / name


@lru_cache(maxsize=32)  # one commit per process, also when the hub's main branch moves meanwhile
def _download(model: str) -> Path:
    from huggingface_hub import snapshot_download

    name, _, revision = model.partition("@")
    try:
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=list(FILES)))
    except Exception as error:  # no network, no such repository, no access, a full disk
        raise InputError(
            f"the model {model} is not in the local hub cache and cannot be downloaded: {_first_line(error)}",
            "a hub id (owner/name) and access to the hub, or a model in the hub cache",
            "check the name and the connection, download it elsewhere and name the folder, or use encoder=minilm",
        ) from error


def _check(place: Path, model: str) -> None:
    files = _files(place)
    if not any(path.name in ("config.json", "modules.json") for path in files if path.parent == place):
        raise InputError(
            f"the model folder {model} has no config.json",
            "a folder saved by sentence-transformers or transformers",
            "name the folder that holds config.json (and modules.json), not the one above or below",
        )
    weighted = {path.parent for path in files if path.suffix == ".safetensors"}
    pickled = {p.parent for p in place.rglob("pytorch_model*.bin") if not _unrelated(p, place)}
    if pickled - weighted or not weighted:
        where = "only pytorch_model.bin" if pickled - weighted else "no safetensors weights"
        raise InputError(
            f"the model {model} has {where}",
            "model.safetensors: pickled weights can run foreign code when they are read and are not loaded",
            "where you trust it, convert it once: SentenceTransformer(OLD_FOLDER).save_pretrained(NEW_FOLDER)",
        )
    for path in files:
        if path.suffix == ".json":
            _check_json(str(path), path.stat().st_mtime_ns, model)


@lru_cache(maxsize=1024)
def _check_json(path: str, mtime_ns: int, model: str) -> None:
    try:
        json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{Path(path).name} of the model {model} cannot be read: {_first_line(error)}",
            "a JSON file",
            "download or save the model again",
        ) from error


def _files(place: Path) -> list[Path]:
    found = (path for pattern in FILES for path in place.rglob(pattern))
    return sorted({path for path in found if path.is_file() and not _unrelated(path, place)})


def _unrelated(path: Path, place: Path) -> bool:
    return UNRELATED.search(path.relative_to(place).as_posix()) is not None


@lru_cache(maxsize=1024)
def _checksum(path: str, size: int, mtime_ns: int) -> str:
    """SHA-256 of a file, remembered as long as its size and modification time stay."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
