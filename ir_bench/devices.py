"""Devices that torch computes on, by the names that settings give them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ir_bench.errors import InputError

if TYPE_CHECKING:
    import torch


def named(setting: str) -> str:
    """torch's name of a device; "auto" is a GPU where there is one, else the CPU."""
    if setting != "auto":
        return setting
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def of_process(setting: str) -> torch.device:
    """`found`; of several GPUs the one that is this process's where torchrun started it."""
    name = named(setting)
    return found(f"{name}:{os.environ['LOCAL_RANK']}" if name == "cuda" and "LOCAL_RANK" in os.environ else name)


def found(setting: str) -> torch.device:
    """The device of this machine that has the name; raises InputError where torch cannot compute on one."""
    import torch

    try:
        device = torch.device(named(setting))
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, ImportError, TypeError) as error:  # as torch was built and the name is
        raise InputError(
            f"torch has no device {setting!r} here: {str(error).partition(chr(10))[0]}",
            "cpu, or an accelerator of this machine that torch was built for (cuda, cuda:1, mps)",
            "set device=cpu, or install a torch for the accelerator",
        ) from None
    return device
