"""What happens beside the steps of a training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
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
    """Renews sources of negatives from the model as it is after every so many steps (ANCE).

    `sources` are (source, what makes a retriever of the model as it is). What is learned is kept in `folder` for each
    renewal, so that a resumed training searches with the model that an uninterrupted one would.
    """

    def __init__(
        self, sources: Sequence[tuple[Refreshing, Callable[[Any], Retriever]]], every: int, folder: Path
    ) -> None:
        self.sources, self.every, self.folder = sources, every, folder

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        last = state.global_step // self.every * self.every
        if not last:
            return
        now = {name: p.detach().clone() for name, p in _learned(model)}
        before = load_file(self._kept(last))
        with torch.no_grad():
            for name, p in _learned(model):
                p.copy_(before[name])
            self._renew(model)
            for name, p in _learned(model):
                p.copy_(now[name])

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        if state.global_step % self.every or state.global_step >= state.max_steps:
            return
        if state.is_world_process_zero:
            self.folder.mkdir(parents=True, exist_ok=True)
            kept = {name: p.detach().cpu().contiguous() for name, p in _learned(model)}
            save_file(kept, self._kept(state.global_step))
        self._renew(model)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        oldest = (state.global_step - args.save_steps) // self.every * self.every  # of the checkpoint before this one
        for path in self.folder.glob("step-*.safetensors"):
            if int(path.stem.removeprefix("step-")) < oldest:
                path.unlink(missing_ok=True)

    def _renew(self, model: Any) -> None:
        while hasattr(model, "module"):  # of distributed training
            model = model.module
        training = model.training
        for source, as_retriever in self.sources:
            source.refresh(as_retriever(model))
        model.train(training)

    def _kept(self, step: int) -> Path:
        return self.folder / f"step-{step}.safetensors"


def _learned(model: Any) -> list[tuple[str, torch.Tensor]]:
    return [(name.removeprefix("module."), p) for name, p in model.named_parameters() if p.requires_grad]
