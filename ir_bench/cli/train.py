"""`ir-bench train`: a model trained by a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ir_bench.cli.compose import build, cache_folder, compose, options, part
from ir_bench.errors import InputError

if TYPE_CHECKING:
    from ir_bench.training.fit import Fit

COMMAND: dict[str, Any] = {
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
    "add_help_option": False,
}

HELP = """\
ir-bench train: train a model by a recipe.

Examples
  ir-bench train recipe=two_tower_head dataset=beir/nfcorpus output=models/two-tower
  ir-bench train recipe=dpr dataset=beir/nfcorpus,beir/scifact model=BAAI/bge-small-en-v1.5 output=models/dpr
  ir-bench train recipe=dpr dataset=beir/nfcorpus output=models/dpr negatives@recipe.stages.main.negatives=mined

The train split is trained on, a share of its queries is held out for validation, and the test split is never read but
to see that it shares no query. A killed training continues; the model is an ordinary sentence-transformers folder:
  ir-bench run dataset=beir/nfcorpus retriever=bi_encoder encoder.model=models/dpr
"""


def train(context: typer.Context) -> None:
    """Train a model by a recipe: `recipe=… dataset=… output=…`; `--help` shows every choice."""
    if not context.args or {"--help", "-h"} & set(context.args):
        print(page())
        return
    fit = prepared(context.args)
    manifest = fit.run()
    for name, stage in manifest["stages"].items():
        scores = [value for _, value in stage["validation"]]
        print(
            f"{name}: {stage['steps']} steps over {stage['examples']:,} examples; nDCG@10 on held-out queries "
            f"{scores[0]:.4f} before, {max(scores):.4f} at best"
        )
    print(f"the model is in {fit.output}")


def prepared(arguments: list[str]) -> Fit:
    """The training that a command line stands for: what follows `ir-bench train`."""
    from ir_bench.store import Store
    from ir_bench.training.examples import train_split
    from ir_bench.training.fit import Fit

    names, own, rest = _datasets(arguments)
    config = compose(rest, "train")
    return Fit(
        recipe=build(config.recipe),
        model=config.model,
        texts={name: train_split(part("dataset", name, own)) for name in names},
        store=Store(cache_folder(config.cache)),
        output=Path(config.output),
        as_retriever=as_retriever,
        seed=config.seed,
        reports=tuple(config.reports),
        device=config.device,
    )


def as_retriever(folder: Path) -> Any:
    """A saved model as a search system: dense, sparse or of token vectors, in an exact index."""
    from ir_bench.checkpoints import configuration

    kinds = {"SparseEncoder": "splade", "MultiVectorEncoder": "colbert"}
    name = kinds.get(configuration(folder).get("model_type", ""), "bi_encoder")
    return part("retriever", name, [f"it.encoder.model={folder}"])


def page() -> str:
    """The help page: examples, the choices in conf/, the settings with their comments."""
    from ir_bench.cli.help import choices

    groups = ("recipe", "architecture", "pairs", "filter", "negatives", "sampler", "teacher", "objective")
    return HELP + "\n" + choices(groups, "train")


def _datasets(arguments: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Names of datasets, settings of them, and the other arguments."""
    given = [a for a in arguments if a.startswith("dataset=")]
    if len(given) != 1:
        raise InputError(f"{len(given)} arguments name datasets", "dataset=NAME or dataset=NAME,NAME", "add one")
    names = given[0].removeprefix("dataset=").split(",")
    if unknown := [name for name in names if name not in options("dataset")]:
        raise InputError(f"there is no dataset {unknown[0]!r}", "a name from `ir-bench datasets`", "check the spelling")
    own = [a for a in arguments if a.startswith("dataset.")]
    return names, [a.replace("dataset.", "it.", 1) for a in own], [a for a in arguments if a not in (*given, *own)]
