"""A recipe carried out: data prepared, stages trained by sentence-transformers, what was done written down."""

from __future__ import annotations

import copy
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from ir_bench import devices, models
from ir_bench.checkpoints import Task
from ir_bench.environment import environment
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe, fingerprint
from ir_bench.protocols import Indexing, Placing, Queueing, Refreshing, Retriever
from ir_bench.results import write_json
from ir_bench.store import Store
from ir_bench.training import finished
from ir_bench.training.alone import alone
from ir_bench.training.batches import for_trainer
from ir_bench.training.callbacks import KeepLearned, LogScores, Patience, Progress, Refresh
from ir_bench.training.checkpoints import Sealed, full_disk_told, last_complete
from ir_bench.training.collate import Collate, Numbered, Redrawn
from ir_bench.training.current import Current
from ir_bench.training.document_vectors import FixedDocuments, KeyTower, comparable, require_query_side
from ir_bench.training.examples import Examples, Pairs, TrainingText, filtered, hold_out, make_examples, together
from ir_bench.training.frozen import States, frozen, frozen_modules, made_once
from ir_bench.training.gradient_cache import GradientCached
from ir_bench.training.kept import Keeping
from ir_bench.training.lists import ListLoss, ListValidation, reads_pairs, require_lists
from ir_bench.training.lora import add_lora, merge_lora
from ir_bench.training.negatives.in_batch import InBatch
from ir_bench.training.prompts import prompt
from ir_bench.training.recipe import Recipe
from ir_bench.training.score_loss import FollowSteps, ScoreLoss, of_tokens
from ir_bench.training.stage import Stage
from ir_bench.training.teaching import batch_teacher, idf, vector_teacher
from ir_bench.training.trainers import evaluator, trainer_classes
from ir_bench.training.validation import MEASURE, Validation, embedded, some_held_out
from ir_bench.types import Dense

LISTS = 50  # queries of each collection whose lists a cross-encoder is validated on
MANIFEST = "training.json"
LOGGED = {
    "loss": "loss", "gradient_norm": "grad_norm", "positive_score": "positive_score",
    "negative_score": "negative_score", "batch_score": "batch_score",
}  # fmt: skip


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
        """Train, write, and return the manifest. A finished training of the same settings is not repeated, and one that
        another process is at is waited for."""
        identity = self._identity()
        if manifest := self._finished(identity):
            return manifest
        with ExitStack() as stack:
            stack.enter_context(models.without_bars())  # one for each checkpoint, between those of the training
            if _first_process():
                stack.enter_context(alone(self.output / "checkpoints"))
            if torch.distributed.is_initialized():
                torch.distributed.barrier()  # all processes of a training look after the first one has waited
            if manifest := self._finished(identity):
                shutil.rmtree(self.output / "checkpoints", ignore_errors=True)
                return manifest
            return self._run(identity)

    def _finished(self, identity: dict[str, Any]) -> dict[str, Any] | None:
        written = self.output / MANIFEST
        if not written.is_file():
            return None
        manifest: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
        if manifest["fingerprint"] != fingerprint(identity):
            raise InputError(
                f"{self.output} holds a model of other settings, data or versions",
                "an empty folder, or the same training",
                "choose another output=…, or delete the folder",
            )
        return manifest

    def _run(self, identity: dict[str, Any]) -> dict[str, Any]:
        if _first_process():
            finished.require_same(self.output / "checkpoints", fingerprint(identity))
        began = time.perf_counter()
        transformers.set_seed(self.seed)
        split = {name: hold_out(text, self.recipe.held_out, self.seed) for name, text in self.texts.items()}
        documents = [document for text in self.texts.values() for document in text.documents]
        shuffled = np.random.default_rng(self.seed).permutation(len(documents)).tolist()
        model = self.recipe.architecture.build(self.model, [documents[row] for row in shuffled])
        model.to(devices.of_process(self.device or "auto"))
        if isinstance(self.recipe.architecture, Placing):
            self.recipe.architecture.place(model, [query for train, _ in split.values() for query in train.queries])
        stages = {}
        for name, stage in self.recipe.stages.items():
            done = finished.restored(model, self._checkpoints(name))
            stages[name] = done or self._stage(model, name, stage, split)
        manifest = {
            "fingerprint": fingerprint(identity),
            **identity,
            "stages": stages,
            "seconds": round(time.perf_counter() - began, 1),  # since a killed training was continued
            "environment": environment(),
        }
        if not _first_process():
            return manifest
        with full_disk_told(self._checkpoints(next(reversed(stages)))):
            model.save_pretrained(str(self.output), create_model_card=True)
            (self.output / "logs").mkdir(exist_ok=True)
            write_json(self.output / MANIFEST, manifest)
        for logs in (self.output / "checkpoints").glob("*/runs"):
            shutil.move(str(logs), str(self.output / "logs" / logs.parent.name))
        for leftover in ("checkpoints", "refreshed"):
            shutil.rmtree(self.output / leftover, ignore_errors=True)
        return manifest

    def _checkpoints(self, stage: str) -> Path:
        return self.output / "checkpoints" / stage

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
        if reads_pairs(model):
            require_lists(stage)
        made = {each: self._examples(model, each, stage, train) for each, (train, _) in split.items()}
        examples = (
            together({each: e for each, (e, _) in made.items()}) if len(made) > 1 else next(iter(made.values()))[0]
        )
        sampler = Numbered(copy.deepcopy(stage.sampler))
        sampler.start(examples, self.seed)
        with ExitStack() as stack:
            cached: dict[str, tuple[States, States]] = {}
            held_cached: dict[str, tuple[States, States]] = {}
            if stage.learns == "head":
                modules = frozen_modules(model)
                cached, held_cached = self._states(model, modules, made, split)
                stack.enter_context(frozen(modules))
            before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
            if stage.learns == "lora":
                add_lora(model, stage.lora_rank)
            validation = self._validation(model, stage, split, held_cached)
            values = [(0, validation(model)[MEASURE])]  # what training starts from is part of what it did
            trainer = self._trainer(model, name, stage, examples, made, split, sampler, cached, validation)
            checkpoints = self._checkpoints(name)
            last = last_complete(checkpoints)
            with full_disk_told(checkpoints):
                trainer.train(resume_from_checkpoint=str(last) if last else None)
            log = trainer.state.log_history  # of a resumed training from its beginning
            values += [(entry["step"], entry[f"eval_{MEASURE}"]) for entry in log if f"eval_{MEASURE}" in entry]
            if stage.learns == "lora":
                merge_lora(model)
            if stage.mixing < 1:
                _mix(model, before, stage.mixing)
                values.append((trainer.state.global_step, validation(model)[MEASURE]))
            model.requires_grad_(True)  # a stage may have left some of it out
        facts = {
            "examples": len(examples),
            "steps": trainer.state.global_step,
            "validation": [[step, round(value, 6)] for step, value in values],
            **{
                name: [[entry["step"], round(float(entry[key]), 6)] for entry in log if key in entry]
                for name, key in LOGGED.items()
                if any(key in entry for entry in log)
            },
        }
        if _first_process():
            with full_disk_told(checkpoints):
                finished.keep(model, checkpoints, facts)
        return facts

    def _examples(self, model: Any, name: str, stage: Stage, text: TrainingText) -> tuple[Examples, Any]:
        """The examples of one collection, and the source that draws their negatives."""
        pairs = stage.pairs.pairs(text, self.store, self.seed)
        negatives = copy.deepcopy(stage.negatives)
        negatives.start(text, pairs, self.store, self.seed)
        if isinstance(negatives, Refreshing) and negatives.retriever is None:
            self._begin(model, name, stage, text, pairs, negatives)
        # what is drawn with the query vectors of a step is not among the examples
        later = isinstance(negatives, (Indexing, Queueing))
        examples = make_examples(pairs, InBatch() if later else negatives)
        if stage.teacher is not None:
            teacher = copy.deepcopy(stage.teacher)
            teacher.start(text, self.store)
            examples = examples.with_teacher(teacher)
        if stage.one_negative_each:
            examples = examples.one_negative_each()
        if drawn_once(stage) and isinstance(negatives, Refreshing) and negatives.refresh_every:
            raise InputError(
                "negatives are to be searched anew, but with a teacher, filters or one_negative_each drawn once",
                "negatives that stay, or neither of these",
                "set negatives.refresh_every=0",
            )
        return filtered(examples, stage.filters), negatives

    def _states(
        self,
        model: Any,
        modules: Sequence[Any],
        made: Mapping[str, tuple[Examples, Any]],
        split: Mapping[str, tuple[TrainingText, TrainingText]],
    ) -> tuple[dict[str, tuple[States, States]], dict[str, tuple[States, States]]]:
        """What the frozen modules make of each collection's training texts, and of its held-out queries with its
        corpus."""

        def states(texts: Sequence[str], what: str, task: Task = "document") -> Any:
            return made_once(modules, self.model, texts, self.store, what, task, prompt(model, task))

        training, held = {}, {}
        for name, (examples, _) in made.items():
            train, validation = split[name]
            corpus = states(train.documents, f"{name}'s documents")
            documents = [corpus]
            if more := examples.pairs.documents[len(train.documents) :]:
                documents.append(states(more, f"texts made from {name}"))
            queries = states(examples.pairs.queries, f"{name}'s training queries", "query")
            training[name] = (States([queries]), States(documents))
            own = states(validation.queries, f"{name}'s held-out queries", "query")
            held[name] = (States([own]), States([corpus]))
        return training, held

    def _validation(
        self,
        model: Any,
        stage: Stage,
        split: Mapping[str, tuple[TrainingText, TrainingText]],
        cached: Mapping[str, tuple[States, States]],
    ) -> Validation | ListValidation:
        if not reads_pairs(model):
            return Validation(
                [some_held_out(name, text, cached.get(name), self.seed) for name, (_, text) in split.items()]
            )
        lists = {}
        for name, (_, text) in split.items():
            drawn = np.random.default_rng(self.seed).permutation(len(text.queries))[:LISTS]
            asked = text.of_queries(np.sort(drawn))
            pairs, negatives = stage.pairs.pairs(asked, self.store, self.seed), copy.deepcopy(stage.negatives)
            negatives.start(asked, pairs, self.store, self.seed)
            lists[name] = make_examples(pairs, negatives)
        return ListValidation(lists)

    def _trainer(
        self, model: Any, name: str, stage: Stage, examples: Examples, made: Mapping[str, tuple[Examples, Any]],
        split: Mapping[str, tuple[TrainingText, TrainingText]], sampler: Numbered,
        cached: Mapping[str, tuple[States, States]], validation: Validation | ListValidation,
    ) -> Any:  # fmt: skip
        from transformers import PrinterCallback

        trainer_class, arguments = trainer_classes(model)
        columns = examples.columns
        routes: dict[str, Task] = {column: "query" if column == "query" else "document" for column in columns}
        if reads_pairs(model):
            routes = {}  # both texts go in together
        prompts = {column: prompt(model, task) for column, task in routes.items()}
        on_gpu = model.device.type == "cuda"
        args = arguments(
            output_dir=str(self._checkpoints(name)),
            max_steps=stage.steps,
            per_device_train_batch_size=stage.batch_size,
            learning_rate=stage.learning_rate,
            warmup_steps=round(stage.warm_up * stage.steps),
            weight_decay=stage.weight_decay,
            max_grad_norm=stage.maximum_norm,
            router_mapping=routes,
            prompts={column: text for column, text in prompts.items() if text},
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
            # queries and documents are separate forward passes, in which looking for what is unused fails
            ddp_find_unused_parameters=False,
        )
        args._n_gpu = min(args.n_gpu, 1)  # several GPUs are torchrun's; DataParallel would cut each batch into pieces
        for each, parameter in model.named_parameters():
            if ".pooler." in each and not reads_pairs(model):  # BERT's own, which no pooling reads
                parameter.requires_grad_(False)
        own, vectors = self._vectors(model, name, stage, made, split, cached)
        loss = ScoreLoss(
            model,
            copy.deepcopy(stage.objective),  # it may learn
            examples.pairs.known,
            in_batch=stage.in_batch,
            teacher=batch_teacher(stage, examples, split, self.store),
            vector_teacher=vector_teacher(stage, {name: e for name, (e, _) in made.items()}, split, self.store),
            idf=idf(model, stage, split),
            weighted=examples.weights is not None,
            fixed=None if vectors is None else vectors.fixed,
            drawn=None if vectors is None else vectors.drawn,
        )
        cache = None if stage.mini_batch_size is None else GradientCached(loss, stage.mini_batch_size)
        whole: Any = loss if cache is None else cache
        if reads_pairs(model):
            whole = ListLoss(loss)
        if stage.keep:
            whole = Keeping(whole, stage.keep, frozen_modules(model) if stage.learns == "head" else (), self.seed)
        callbacks: list[Any] = [FollowSteps(loss), Progress(name), Patience(stage.patience, f"eval_{MEASURE}"), *own]
        if loss.learned:
            callbacks.append(KeepLearned(dict(loss.learned.items())))
        redrawn = None
        if vectors is None and not drawn_once(stage):
            sizes = [(len(e), len(e.pairs.documents)) for e, _ in made.values()]
            before = [callback.catch_up for callback in own if isinstance(callback, Refresh)]
            redrawn = Redrawn([source for _, source in made.values()], sizes, before)
        trainer = trainer_class(
            model=model,
            args=args,
            train_dataset=examples.to_dataset(numbered=True),
            loss=whole,
            evaluator=evaluator(validation),
            callbacks=[*callbacks, Sealed()],
        )
        trainer.callback_handler.callbacks.insert(0, LogScores(loss.seen))
        trainer.remove_callback(PrinterCallback)  # prints a dictionary for each log; Progress shows them
        # not among the arguments: each checkpoint pickles those, which functions do not survive
        trainer.get_batch_sampler = for_trainer(sampler, len(examples))
        parts = list(cached.values())
        states = (States([p for q, _ in parts for p in q.parts]), States([p for _, d in parts for p in d.parts]))
        trainer.data_collator = Collate(trainer.data_collator, examples, sampler, redrawn, states if cached else None)
        return trainer

    def _vectors(
        self,
        model: Any,
        stage_name: str,
        stage: Stage,
        made: Mapping[str, tuple[Examples, Any]],
        split: Mapping[str, tuple[TrainingText, TrainingText]],
        cached: Mapping[str, tuple[States, States]],
    ) -> tuple[list[Any], FixedDocuments | KeyTower | None]:
        """Callbacks of the sources of negatives, and what gives the loss candidates as vectors where they do."""
        sources = {name: source for name, (_, source) in made.items()}
        source = next(iter(sources.values()))
        if isinstance(source, (Indexing, Queueing)):
            if len(made) > 1 or of_tokens(model):
                raise InputError(
                    f"{type(source).__name__} gives vectors of one collection, one for each document, but there are "
                    + (f"{len(made)} collections" if len(made) > 1 else "token vectors"),
                    "one collection and a model of one vector a text",
                    "train on one collection, or take another source of negatives",
                )
            ((name, (examples, _)),) = made.items()
            if isinstance(source, Queueing):
                if not stage.in_batch:
                    raise InputError(
                        f"{type(source).__name__} begins empty, and the stage has no other negatives",
                        "in_batch: true, so that the first step has some",
                        "set in_batch=true",
                    )
                tower = KeyTower(model, source, examples.pairs)
                return [tower], tower
            require_query_side(model)
            if source.encoder is None:
                text = split[name][0]
                rows, states = range(len(text.documents)), cached[name][1] if cached else None
                model.eval()
                with torch.inference_mode():
                    found = embedded(model, "document", text.documents, rows, states)
                source.take(Dense(comparable(model, torch.stack(found)).detach().cpu().numpy()))
            return [], FixedDocuments(model, source, examples.pairs)
        if not isinstance(source, Refreshing) or not source.refresh_every:
            return [], None
        renewed: list[tuple[Refreshing, Callable[[Any], Retriever]]] = []
        for name, each in sources.items():
            if cached:
                text, queries = split[name][0], list(made[name][0].pairs.queries)
                renewed.append((each, partial(Current, text=text, queries=queries, cached=cached[name])))
            else:
                renewed.append((each, self._saved))
        return [Refresh(renewed, source.refresh_every, self.output / "refreshed" / stage_name)], None

    def _begin(self, model: Any, name: str, stage: Stage, text: TrainingText, pairs: Pairs, source: Refreshing) -> None:
        """Search with the model as the stage begins."""
        if stage.learns != "head":
            source.refresh(self._saved(model))
            return
        modules, texts = frozen_modules(model), list(pairs.queries)

        def states(of: Sequence[str], what: str, task: Task) -> States:
            return States([made_once(modules, self.model, of, self.store, what, task, prompt(model, task))])

        cached = (
            states(texts, f"{name}'s training queries", "query"),
            states(text.documents, f"{name}'s documents", "document"),
        )
        with frozen(modules):
            source.refresh(Current(model, text, texts, cached))

    def _saved(self, model: Any) -> Retriever:
        """A search system of the model as it is, by its files."""
        folder = self.output / "refreshed" / "model"
        if any(".lora_" in name for name, _ in model.named_parameters()):
            model = copy.deepcopy(model)
            merge_lora(model)
        model.save_pretrained(str(folder))
        return self.as_retriever(folder)


def drawn_once(stage: Stage) -> bool:
    """Whether a stage draws its negatives before training, and not for each batch."""
    return stage.teacher is not None or bool(stage.filters) or stage.one_negative_each


def _first_process() -> bool:
    return not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0


@torch.no_grad()
def _mix(model: Any, before: Mapping[str, torch.Tensor], share: float) -> None:
    """Weights between those of `before` (share 0) and the model's own (share 1)."""
    for name, weight in model.named_parameters():
        weight.copy_(torch.lerp(before[name].to(weight), weight, share))
