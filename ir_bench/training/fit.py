"""A recipe carried out: data prepared, stages trained by sentence-transformers, what was done written down."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from ir_bench import models
from ir_bench.environment import environment
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe, fingerprint
from ir_bench.protocols import Retriever
from ir_bench.results import write_json
from ir_bench.store import Store
from ir_bench.training.batches import for_trainer
from ir_bench.training.callbacks import Progress, Refresh
from ir_bench.training.collate import Collate, Numbered
from ir_bench.training.examples import Examples, TrainingText, filtered, hold_out, make_examples, together
from ir_bench.training.frozen import States, frozen, frozen_modules, made_once
from ir_bench.training.recipe import Recipe
from ir_bench.training.score_loss import FollowSteps, ScoreLoss
from ir_bench.training.stage import Stage
from ir_bench.training.validation import MEASURE, HeldOut, Validation

SAMPLE = 200  # documents of each collection that an architecture's beginning is computed from
VALIDATED = 200, 2000  # queries and documents of each collection
MANIFEST = "training.json"


@dataclass(frozen=True)
class Fit:
    """Trains `recipe` on `model` with the train splits `texts` (name → text) and writes an ordinary
    sentence-transformers folder to `output`, with a model card and training.json: data, seeds, versions, every setting,
    validation scores.

    `as_retriever` makes a search system of a saved model, for negatives that are mined anew.
    `reports`: "tensorboard", "wandb", "mlflow"; those that are not installed are left out. A killed training continues
    from its last checkpoint below `output`/checkpoints. Raises InputError as its parts do, the last checkpoint kept.
    """

    recipe: Recipe
    model: str
    texts: Mapping[str, TrainingText]
    store: Store
    output: Path
    as_retriever: Callable[[Path], Retriever] = field(repr=False)
    seed: int = 0
    reports: Sequence[str] = ("tensorboard",)
    device: str | None = None

    def run(self) -> dict[str, Any]:
        """Train, write, and return the manifest. A finished training of the same settings is not repeated."""
        identity = self._identity()
        finished = self.output / MANIFEST
        if finished.is_file():
            manifest = json.loads(finished.read_text(encoding="utf-8"))
            if manifest["fingerprint"] == fingerprint(identity):
                return manifest
            raise InputError(
                f"{self.output} holds a model of other settings, data or versions",
                "an empty folder, or the same training",
                "choose another output=…, or delete the folder",
            )
        transformers.set_seed(self.seed)
        split = {name: hold_out(text, self.recipe.held_out, self.seed) for name, text in self.texts.items()}
        drawn = np.random.default_rng(self.seed)
        sample = [
            text.documents[row]
            for text in self.texts.values()
            for row in sorted(drawn.permutation(len(text.documents))[:SAMPLE].tolist())
        ]
        model = self.recipe.architecture.build(self.model, sample)
        if self.device is not None:
            model.to(self.device)
        stages = {}
        for name, stage in self.recipe.stages.items():
            stages[name] = self._stage(model, name, stage, split)
        model.save_pretrained(str(self.output), create_model_card=True)
        (self.output / "logs").mkdir(exist_ok=True)
        manifest = {
            "fingerprint": fingerprint(identity),
            **identity,
            "stages": stages,
            "environment": environment(),
        }
        write_json(finished, manifest)
        for logs in (self.output / "checkpoints").glob("*/runs"):
            shutil.move(str(logs), str(self.output / "logs" / logs.parent.name))
        for leftover in ("checkpoints", "refreshed"):
            shutil.rmtree(self.output / leftover, ignore_errors=True)
        return manifest

    def _identity(self) -> dict[str, Any]:
        return {
            "recipe": describe(self.recipe),
            "model": models.provenance(self.model),
            "data": {
                name: {
                    "corpus": text.corpus.identity,
                    "queries": fingerprint(text.queries_by_id()),
                    "judgments": fingerprint(text.qrels()),
                    "train_queries": len(text.queries),
                    "documents": len(text.documents),
                }
                for name, text in self.texts.items()
            },
            "seed": self.seed,
            "versions": {name: version(name) for name in ("torch", "transformers", "sentence-transformers")},
        }

    def _stage(
        self, model: Any, name: str, stage: Stage, split: Mapping[str, tuple[TrainingText, TrainingText]]
    ) -> dict[str, Any]:
        made = {each: self._examples(each, stage, train) for each, (train, _) in split.items()}
        examples = (
            together({each: e for each, (e, _) in made.items()}) if len(made) > 1 else next(iter(made.values()))[0]
        )
        redrawn = (
            next(iter(made.values()))[1] if len(made) == 1 and stage.teacher is None and not stage.filters else None
        )
        sampler = Numbered(copy.deepcopy(stage.sampler))
        sampler.start(examples, self.seed)
        with ExitStack() as stack:
            cached: tuple[States, States] | None = None
            held_cached: dict[str, tuple[States, States]] = {}
            if stage.learns == "head":
                modules = frozen_modules(model)
                if getattr(model, "prompts", None) and any(model.prompts.values()):
                    raise InputError(
                        f"{self.model} has prompts, which learns=head does not know", "a model without prompts",
                        "learns=lora or learns=all",
                    )  # fmt: skip
                cached, held_cached = self._states(modules, made, split)
                stack.enter_context(frozen(modules))
            if stage.learns == "lora":
                _with_lora(model, stage.lora_rank)
            validation = Validation([self._held_out(each, text, held_cached) for each, (_, text) in split.items()])
            validation(model, steps=0)  # what training starts from is part of what it did
            trainer = self._trainer(model, name, stage, examples, sampler, redrawn, cached, validation)
            checkpoints = sorted(Path(trainer.args.output_dir).glob("checkpoint-*"))
            trainer.train(resume_from_checkpoint=str(_last(checkpoints)) if checkpoints else None)
            if stage.learns == "lora":
                _merge_lora(model)
        log = [entry for entry in trainer.state.log_history if "loss" in entry]
        return {
            "examples": len(examples),
            "steps": trainer.state.global_step,
            "validation": [[step, round(value, 6)] for step, value in validation.history],
            "loss": [[entry["step"], round(entry["loss"], 6)] for entry in log],
        }

    def _examples(self, name: str, stage: Stage, text: TrainingText) -> tuple[Examples, Any]:
        """The examples of one collection, and the source that draws their negatives."""
        pairs = stage.pairs.pairs(text, self.store, self.seed)
        negatives = copy.deepcopy(stage.negatives)
        negatives.start(text, pairs, self.store, self.seed)
        examples = make_examples(pairs, negatives)
        if examples.document_rows.shape[1] > 1 and (examples.document_rows[:, 1:] < 0).all():
            raise InputError(
                f"{type(negatives).__name__} gave no negative that has a text",
                "documents of the collection: this loop does not feed vectors of earlier steps back",
                "take another source of negatives, for example negatives=mined",
            )
        if stage.teacher is not None:
            teacher = copy.deepcopy(stage.teacher)
            teacher.start(text, self.store)
            examples = examples.with_teacher(teacher)
        return filtered(examples, stage.filters), negatives

    def _states(
        self,
        modules: Sequence[Any],
        made: Mapping[str, tuple[Examples, Any]],
        split: Mapping[str, tuple[TrainingText, TrainingText]],
    ) -> tuple[tuple[States, States], dict[str, tuple[States, States]]]:
        """What the frozen modules make of all training texts, and of the held-out queries with their corpus."""

        def states(texts: Sequence[str], what: str) -> Any:
            return made_once(modules, self.model, texts, self.store, what)

        queries, documents, held = [], [], {}
        for name, (examples, _) in made.items():
            train, validation = split[name]
            corpus = states(train.documents, f"{name}'s documents")
            documents.append(corpus)
            if more := examples.pairs.documents[len(train.documents) :]:
                documents.append(states(more, f"texts made from {name}"))
            queries.append(states(examples.pairs.queries, f"{name}'s training queries"))
            own = states(validation.queries, f"{name}'s held-out queries")
            held[name] = (States([own]), States([corpus]))
        return (States(queries), States(documents)), held

    def _held_out(self, name: str, text: TrainingText, cached: Mapping[str, tuple[States, States]]) -> HeldOut:
        """Some of the held-out queries, in a sample of the corpus that holds all that is relevant to them."""
        drawn = np.random.default_rng(self.seed)
        queries = np.sort(drawn.permutation(len(text.queries))[: VALIDATED[0]])
        asked = text.of_queries(queries)
        relevant = np.unique(asked.judged)
        others = np.setdiff1d(np.arange(len(text.documents)), relevant)
        extra = drawn.permutation(others)[: max(0, VALIDATED[1] - len(relevant))]
        rows = np.sort(np.concatenate([relevant, extra])).tolist()
        states = cached.get(name)
        if states is not None:  # by row of the queries asked
            states = (states[0].select(queries.tolist()), states[1])
        return HeldOut(name, asked, rows, states)

    def _trainer(
        self, model: Any, name: str, stage: Stage, examples: Examples, sampler: Numbered, redrawn: Any,
        cached: tuple[States, States] | None, validation: Validation,
    ) -> Any:  # fmt: skip
        from datasets import Dataset as Table
        from transformers import EarlyStoppingCallback

        trainer_class, arguments = _trainer_classes(model)
        columns = ["query", "positive", *(f"negative_{i}" for i in range(1, examples.document_rows.shape[1]))]
        routes = {column: "query" if column == "query" else "document" for column in columns}
        texts = examples.to_dataset()
        table = Table.from_dict({**{c: texts[c] for c in columns}, "label": list(range(len(examples)))})
        on_gpu = model.device.type == "cuda"
        args = arguments(
            output_dir=str(self.output / "checkpoints" / name),
            max_steps=stage.steps,
            per_device_train_batch_size=stage.batch_size,
            learning_rate=stage.learning_rate,
            warmup_steps=round(stage.warm_up * stage.steps),
            weight_decay=stage.weight_decay,
            max_grad_norm=stage.maximum_norm,
            router_mapping=routes,
            eval_strategy="steps",
            eval_steps=stage.validate_every,
            save_strategy="steps",
            save_steps=stage.validate_every,
            save_total_limit=2,
            load_best_model_at_end=True,
            metric_for_best_model=f"eval_{MEASURE}",
            greater_is_better=True,
            logging_steps=max(1, min(50, stage.validate_every // 2)),
            report_to=[name for name in self.reports if find_spec(name)] or "none",
            bf16=on_gpu and torch.cuda.is_bf16_supported(),
            use_cpu=model.device.type == "cpu",
            seed=self.seed,
            data_seed=self.seed,
            disable_tqdm=True,
            remove_unused_columns=False,
        )
        loss = ScoreLoss(model, stage.objective, examples.pairs.known, in_batch=stage.in_batch)
        callbacks = [FollowSteps(loss), Progress(name), EarlyStoppingCallback(stage.patience)]
        if getattr(redrawn, "refresh_every", 0):
            callbacks.append(Refresh(redrawn, self.output / "refreshed", self.as_retriever))
        trainer = trainer_class(
            model=model,
            args=args,
            train_dataset=table,
            loss=loss,
            evaluator=_evaluator(validation),
            callbacks=callbacks,
        )
        from transformers import PrinterCallback

        trainer.remove_callback(PrinterCallback)  # prints a dictionary for each log; Progress shows them
        # not among the arguments: each checkpoint pickles those, which functions do not survive
        trainer.get_batch_sampler = for_trainer(sampler, len(examples))
        trainer.data_collator = Collate(trainer.data_collator, examples, sampler, redrawn, cached)
        return trainer


def _trainer_classes(model: Any) -> tuple[type, type]:
    import sentence_transformers as library

    kinds = {
        "SentenceTransformer": ("SentenceTransformerTrainer", "SentenceTransformerTrainingArguments"),
        "SparseEncoder": ("SparseEncoderTrainer", "SparseEncoderTrainingArguments"),
        "MultiVectorEncoder": ("MultiVectorEncoderTrainer", "MultiVectorEncoderTrainingArguments"),
    }
    trainer, arguments = kinds[type(model).__name__]
    return getattr(library, trainer), getattr(library, arguments)


def _evaluator(validation: Validation) -> Any:
    from sentence_transformers.base.evaluation import BaseEvaluator

    class Evaluator(BaseEvaluator):
        """The trainers take no other kind of object."""

        primary_metric = MEASURE
        greater_is_better = True

        def __call__(self, *args: Any, **settings: Any) -> dict[str, float]:
            return validation(*args, **settings)

    return Evaluator()


def _with_lora(model: Any, rank: int) -> None:
    if find_spec("peft") is None:
        raise InputError("learns=lora needs the package peft", "peft", "pip install 'ir-bench[train]'")
    from peft import LoraConfig

    transformer = next(iter(model.children()))
    transformer.model.add_adapter(LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear"))


def _merge_lora(model: Any) -> None:
    """Put the updates into the weights, so that the model is an ordinary one again."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    transformer = next(iter(model.children())).model
    for name, module in list(transformer.named_modules()):
        if isinstance(module, BaseTunerLayer):
            module.merge()
            parent, _, last = name.rpartition(".")
            setattr(transformer.get_submodule(parent), last, module.get_base_layer())
    transformer._hf_peft_config_loaded = False
    transformer.peft_config = {}


def _last(checkpoints: Sequence[Path]) -> Path:
    return max(checkpoints, key=lambda path: int(path.name.rpartition("-")[2]))
