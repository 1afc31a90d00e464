"""What a model puts before texts of either side."""

from __future__ import annotations

from typing import Any

from ir_bench.checkpoints import PROMPTS, Task


def prompt(model: Any, task: Task) -> str | None:
    """The model's own prompt for queries or documents, None where it has none: also one that it names "passage"."""
    prompts = getattr(model, "prompts", None) or {}
    return next((prompts[name] for name in PROMPTS[task] if prompts.get(name)), None)
