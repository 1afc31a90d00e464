"""Checkpoints that were written whole, and what happens when one cannot be."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from ir_bench.errors import InputError

WHOLE = "complete"  # the file that is written last


class Sealed(TrainerCallback):
    """Marks a checkpoint as complete; the last of a trainer's callbacks."""

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            (Path(args.output_dir) / f"checkpoint-{state.global_step}" / WHOLE).touch()


def last_complete(folder: Path) -> Path | None:
    """The newest checkpoint below a folder that was written whole; others are removed."""
    whole = []
    for path in folder.glob("checkpoint-*"):
        if (path / WHOLE).is_file():
            whole.append(path)
        else:
            shutil.rmtree(path, ignore_errors=True)
    return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


@contextmanager
def full_disk_told(folder: Path) -> Iterator[None]:
    """Raises InputError where writing fails because the disk is full, saying which checkpoint is left."""
    try:
        yield
    except Exception as error:
        if not _is_full(error):
            raise
        last = last_complete(folder)
        left = "no checkpoint was complete" if last is None else f"{last.name} is complete"
        raise InputError(
            f"the disk is full: a checkpoint below {folder} could not be written; {left}",
            "room for two checkpoints, of about three times the size of what is trained",
            "make room and run the same command: training goes on from the complete one",
        ) from error


def _is_full(error: BaseException | None) -> bool:
    """safetensors and torch have errors of their own, with the system's words in them."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        text = str(error)
        if "No space left on device" in text or "PytorchStreamWriter failed" in text or "unexpected pos" in text:
            return True
        error = error.__cause__ or error.__context__
    return False
