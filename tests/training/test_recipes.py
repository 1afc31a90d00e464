"""Every recipe of conf/recipe is made, and its parts are those of its stages."""

from __future__ import annotations

import pytest

from ir_bench.cli.compose import CONF, build, compose, options
from ir_bench.protocols import Architecture, BatchSampler, NegativeSource, Objective, PairSource, Teacher
from ir_bench.training.recipe import Recipe


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
