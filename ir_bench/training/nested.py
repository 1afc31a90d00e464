"""Objectives hold objectives: what they learn and what they need, found by walking their settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

from ir_bench.protocols import Learning, Objective

if TYPE_CHECKING:
    from torch.nn import Parameter


def nested(objective: Objective, path: str = "") -> Iterator[tuple[str, Objective]]:
    """The objective and every one inside it, with the path of settings that leads there: `objectives/ranking`."""
    yield path, objective
    if not is_dataclass(objective):
        return
    for setting in fields(objective):
        value = getattr(objective, setting.name)
        for key, part in value.items() if isinstance(value, Mapping) else [("", value)]:
            if isinstance(part, Objective):
                yield from nested(part, "/".join(filter(None, (path, setting.name, str(key)))))


def parameters(objective: Objective) -> dict[str, Parameter]:
    """Everything that the objective and those inside it learn, by name: `objectives/ranking/log_temperature`."""
    return {
        "/".join(filter(None, (path, name))): parameter
        for path, part in nested(objective)
        if isinstance(part, Learning)
        for name, parameter in part.parameters().items()
    }


def needs_idf(objective: Objective) -> bool:
    """Whether it, or one inside it, reads inverse document frequencies."""
    return any(getattr(part, "needs_idf", False) for _, part in nested(objective))


def needs_layers(objective: Objective) -> bool:
    """Whether it, or one inside it, reads the vectors of the model's layers."""
    return any(getattr(part, "needs_layers", False) for _, part in nested(objective))
