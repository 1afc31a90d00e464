"""A method of training as data: a kind of model and the stages that teach it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ir_bench.protocols import Architecture
from ir_bench.training.stage import Stage


@dataclass
class Recipe:
    """`architecture` is put on a checkpoint and goes through `stages`, in their order.

    `held_out`: the share of the train queries of each collection that nobody trains on and that validation uses.
    """

    architecture: Architecture
    stages: Mapping[str, Stage]
    held_out: float = 0.1
