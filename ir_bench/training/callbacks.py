"""What happens beside the steps of a training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from ir_bench.progress import bar
from ir_bench.protocols import Refreshing, Retriever


class Progress(TrainerCallback):
    """A bar with steps, speed, time left, the last loss and the last validation score."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.shown: dict[str, str] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.bar = bar(state.max_steps, f"training {self.name}", "step")
        self.bar.update(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.bar.update(1)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if logs and "loss" in logs:
            self.shown["loss"] = f"{logs['loss']:.4f}"
            self.bar.set_postfix(self.shown)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        if metrics and "eval_nDCG@10" in metrics:
            self.shown["held out"] = f"{metrics['eval_nDCG@10']:.4f}"
            self.bar.set_postfix(self.shown)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.bar.close()


class Refresh(TrainerCallback):
    """Renews a source of negatives from the model as it is after every so many steps (ANCE)."""

    def __init__(self, source: Refreshing, folder: Path, as_retriever: Callable[[Path], Retriever]) -> None:
        self.source, self.folder, self.as_retriever = source, folder, as_retriever

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        if state.global_step % self.source.refresh_every or state.global_step >= state.max_steps:
            return
        training = model.training
        model.save_pretrained(str(self.folder))
        self.source.refresh(self.as_retriever(self.folder))
        model.train(training)
