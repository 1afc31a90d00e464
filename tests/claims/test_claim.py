"""Claims read from their files."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml

from ir_bench.claims.claim import QUANTITIES, quantity, read_claim
from ir_bench.errors import InputError

CLAIMS = sorted((Path(__file__).parents[2] / "experiments" / "claims").glob("*.yaml"))
CHECK = {
    "name": "fused against BM25", "quantity": "difference",
    "cells": {"of": "retriever=hybrid", "over": "retriever=bm25"},
    "measure": "AP", "direction": "at least", "size": 0.01,
}  # fmt: skip
CLAIM = {
    "title": "Fusion helps", "statement": "It does.", "source": {"title": "A paper"}, "datasets": ["cacm", "med"],
    "checks": [CHECK],
}  # fmt: skip


def written(folder: Path, content: object) -> Path:
    path = folder / "fusion.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def test_a_claim_with_defaults(tmp_path: Path) -> None:
    claim = read_claim(written(tmp_path, CLAIM))
    assert (claim.name, claim.title, claim.level, claim.seed) == ("fusion", "Fusion helps", 0.95, 0)
    assert (claim.setting, claim.reduced, claim.notes) == ("", "", ())
    (check,) = claim.checks
    assert (check.name, check.quantity, check.direction) == ("fused against BM25", "difference", "at least")
    assert check.datasets == ("cacm", "med")
    assert check.settings == {"measure": "AP"}
    assert check.size == 0.01


def test_a_claim_with_everything_said(tmp_path: Path) -> None:
    content = {**CLAIM, "setting": "large", "reduced": "small", "seed": 3, "level": 0.9, "notes": ["one"]}
    content["checks"] = [{**CHECK, "datasets": ["lisa"], "margin": 0.02}]
    claim = read_claim(written(tmp_path, content))
    assert (claim.setting, claim.reduced, claim.seed, claim.level, claim.notes) == ("large", "small", 3, 0.9, ("one",))
    assert claim.checks[0].datasets == ("lisa",)
    assert claim.checks[0].settings == {"measure": "AP", "margin": 0.02}


def test_commands_are_those_of_every_check_dataset_and_role_once(tmp_path: Path) -> None:
    sweep = {**CHECK, "quantity": "monotone", "cells": {"of": ["retriever=bm25", "retriever=ql"]}, "datasets": ["med"]}
    claim = read_claim(written(tmp_path, {**CLAIM, "checks": [CHECK, sweep]}))
    assert claim.commands() == [
        "dataset=cacm retriever=hybrid", "dataset=cacm retriever=bm25", "dataset=med retriever=hybrid",
        "dataset=med retriever=bm25", "dataset=med retriever=ql",
    ]  # fmt: skip
    assert claim.checks[1].commands("med") == {"of": ["dataset=med retriever=bm25", "dataset=med retriever=ql"]}


def without(key: str) -> dict[str, Any]:
    return {k: v for k, v in CHECK.items() if k != key}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"datasets": []}, "datasets must list something"),
        ({"checks": []}, "checks must list something"),  # no check would fail, and the claim would hold
        ({"checks": None, "datasets": None}, "datasets and checks must list something"),
        ({"level": 95}, "level is 95"),
        ({"level": 1.0}, "level is 1.0"),
        ({"checks": [without("size")]}, "a check lacks 'size'"),
        ({"checks": [without("name")]}, "a check lacks 'name'"),
        ({"checks": [without("cells")]}, "a check lacks 'cells'"),
        ({"checks": [{**CHECK, "size": "large"}]}, "check 'fused against BM25' has the size 'large'"),
        ({"checks": [{**CHECK, "size": None}]}, "check 'fused against BM25' has the size None"),
        ({"checks": [{**CHECK, "cells": {}}]}, "check 'fused against BM25' has no cells or no datasets"),
        ({"checks": [{**CHECK, "datasets": []}]}, "check 'fused against BM25' has no cells or no datasets"),
        ({"checks": [{**CHECK, "quantity": "luck"}]}, "check 'fused against BM25' has 'luck'"),
        ({"checks": [{**CHECK, "direction": "about"}]}, "check 'fused against BM25' has 'about'"),
        ({"checks": ["AP"]}, "a check is 'AP'"),
        ({"verdict": "holds"}, "has the keys title, statement, source, datasets, checks, verdict"),
    ],
)
def test_what_is_no_claim_is_refused_with_its_file(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    path = written(tmp_path, {**CLAIM, **change})
    with pytest.raises(InputError) as raised:
        read_claim(path)
    assert raised.value.happened.startswith(f"{path}")
    assert told in raised.value.happened


@pytest.mark.parametrize("key", sorted(CLAIM))
def test_a_claim_without_a_needed_entry_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(InputError, match="has the keys"):
        read_claim(written(tmp_path, {k: v for k, v in CLAIM.items() if k != key}))


@pytest.mark.parametrize(("text", "told"), [("a: [", "cannot be read"), ("- 1\n", "has the keys list")])
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(InputError, match=told):
        read_claim(tmp_path / "x.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        read_claim(tmp_path / "absent.yaml")


def test_every_quantity_is_a_function_of_its_own_module() -> None:
    modules = {p.stem for p in Path(inspect.getfile(read_claim)).with_name("quantities").glob("*.py")}
    assert set(QUANTITIES) == modules - {"__init__", "per_query"}
    for name in QUANTITIES:
        assert quantity(name).__name__ == name
        assert next(iter(inspect.signature(quantity(name)).parameters)) == "cells"


@pytest.mark.parametrize("path", CLAIMS, ids=lambda path: path.stem)
def test_a_claim_of_the_project_sets_what_its_quantities_take(path: Path) -> None:
    claim = read_claim(path)
    assert all((claim.title, claim.statement, claim.setting, claim.reduced))
    assert {"title", "authors", "year", "venue"} <= set(claim.source)
    for check in claim.checks:
        known = inspect.signature(quantity(check.quantity)).parameters
        needed = {name for name, each in known.items() if each.default is inspect.Parameter.empty}
        assert set(check.settings) <= set(known)
        assert needed <= {*check.settings, "cells", "level", "seed", "size"}


def test_the_project_has_ten_claims() -> None:
    assert len(CLAIMS) >= 10


def test_a_cell_of_several_seeds_is_measured_with_each(tmp_path: Path) -> None:
    trained = {**CHECK, "cells": {"of": "retriever=x model=trained:x@{seed}", "over": "retriever=bm25"}}
    claim = read_claim(written(tmp_path, {**CLAIM, "datasets": ["med"], "seeds": [0, 7], "checks": [trained]}))
    assert claim.commands() == [
        "dataset=med retriever=x model=trained:x@0", "dataset=med retriever=x model=trained:x@7",
        "dataset=med retriever=bm25",
    ]  # fmt: skip
    assert claim.seed == 0  # of resampling, another one


@pytest.mark.parametrize(
    "changes", [{"seeds": [1]}, {"checks": [{**CHECK, "quantity": "monotone"}]}, {"checks": [{**CHECK, "list": True}]}]
)
def test_seeds_that_cannot_be_averaged_are_an_error(tmp_path: Path, changes: dict[str, Any]) -> None:
    content = {**CLAIM, "seeds": [0, 1], **changes}
    cell: Any = "retriever=x model=trained:x@{seed}"
    check = dict(content["checks"][0])
    check["cells"] = {"of": [cell, cell] if check.pop("list", False) else cell, "over": "retriever=bm25"}
    with pytest.raises(InputError, match=r"has cells with \{seed\}"):
        read_claim(written(tmp_path, {**content, "checks": [check]}))
