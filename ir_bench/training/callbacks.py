"""What happens beside the steps of a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback

from ir_bench.progress import bar
from ir_bench.protocols import Refreshing, Retriever
from ir_bench.training.scores_seen import ScoresSeen


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


class LogScores(TrainerCallback):
    """Writes mean scores since the last log beside the loss: to the trainer's own log, and to whatever reports it,
    when it is the first callback."""

    def __init__(self, seen: ScoresSeen) -> None:
        self.seen = seen

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if logs and "loss" in logs:
            means = self.seen.taken()
            logs.update(means)
            state.log_history[-1].update(means)


class Patience(TrainerCallback):
    """Stops after so many validations in a row without a new best.

    transformers' own counts in memory and begins anew in a resumed training; this one reads the trainer's log, which
    is kept with each checkpoint.
    """

    def __init__(self, validations: int, measure: str) -> None:
        self.validations, self.measure = validations, measure

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        control.should_training_stop = self._is_over(state)

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._is_over(state):
            control.should_training_stop = True

    def _is_over(self, state: Any) -> bool:
        values = [entry[self.measure] for entry in state.log_history if self.measure in entry]
        return bool(values) and len(values) - 1 - values.index(max(values)) >= self.validations


class KeepLearned(TrainerCallback):
    """Keeps what an objective learns (a temperature) beside each checkpoint, which has the model's weights alone."""

    FILE = "objective.safetensors"

    def __init__(self, learned: Mapping[str, torch.Tensor]) -> None:
        self.learned = learned

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            save_file({name: p.detach().cpu() for name, p in self.learned.items()}, self._file(args, state))

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if not state.global_step:
            return
        kept = load_file(self._file(args, state))
        with torch.no_grad():
            for name, parameter in self.learned.items():
                parameter.copy_(kept[name])

    def _file(self, args: Any, state: Any) -> Path:
        return Path(args.output_dir) / f"checkpoint-{state.global_step}" / self.FILE


class Refresh(TrainerCallback):
    """Renews sources of negatives from the model as it is after every so many steps (ANCE).

    `sources` are (source, what makes a retriever of the model as it is). What is learned is kept in `folder` for each
    renewal, so that a resumed training searches with the model that an uninterrupted one would: the trainer draws each
    batch while the one before it is trained on, so after a renewal the next batch of the epoch still has old negatives.
    """

    def __init__(
        self, sources: Sequence[tuple[Refreshing, Callable[[Any], Retriever]]], every: int, folder: Path
    ) -> None:
        self.sources, self.every, self.folder = sources, every, folder
        self.due: tuple[int, Any] | None = None  # the step of a renewal that batches after its own see, and the model

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, train_dataloader: Any = None, **kwargs: Any
    ) -> None:
        step = state.global_step
        if step >= state.max_steps:  # nothing is drawn any more
            return
        last = step // self.every * self.every
        if last and last == step and step % len(train_dataloader):
            self.due = (last, model)
            last -= self.every
        if last:
            self._renew_as_of(last, model)

    def catch_up(self, batch: int) -> None:
        """Before batch number `batch`, from 0, is drawn: the renewal that a resumed training still owes it."""
        if self.due is not None and batch > self.due[0]:
            (step, model), self.due = self.due, None
            self._renew_as_of(step, model)

    @torch.no_grad()
    def _renew_as_of(self, step: int, model: Any) -> None:
        now = {name: p.detach().clone() for name, p in _learned(model)}
        before = load_file(self._kept(step))
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
        # of the checkpoint before this one, whose first batch may have been drawn before its last renewal
        oldest = (state.global_step - args.save_steps) // self.every * self.every - self.every
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
