"""The architecture holds: who may import whom, one registration per part, no Hydra outside the command line."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from contracts import CONF, every_option

from ir_bench.cli.compose import compose

ROOT = Path(__file__).parents[1]


def test_import_contracts():
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("tool", "arguments"), [("ruff", ["check", "."]), ("ruff", ["format", "--check", "."]), ("mypy", [])]
)
def test_static_checks(tool, arguments):
    result = subprocess.run(
        [Path(sys.executable).with_name(tool), *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_scoring_a_run_imports_neither_torch_nor_faiss_nor_java():
    heavy = "torch", "faiss", "jnius", "transformers", "sentence_transformers", "numba", "datasets"
    code = (
        "import sys, ir_bench.evaluation.measures, ir_bench.evaluation.trec, ir_bench.cli;"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(("group", "option"), every_option())
def test_a_registration_names_a_class_in_the_folder_of_its_kind(group, option):
    module, _, name = compose([f"+{group}@it={option}", "~dataset", "~retriever"]).it["_target_"].rpartition(".")
    assert isinstance(getattr(import_module(module), name), type)
    plurals = {"similarity": "similarities", "index": "indexes", "pairs": "pairs", "negatives": "negatives"}
    folder = plurals.get(group, f"{group}s")
    assert module.startswith((f"ir_bench.{folder}.", f"ir_bench.training.{folder}."))


def test_no_package_headers_and_no_environment_in_configurations():
    for path in CONF.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert "@package" not in text, path
        assert "${oc.env" not in text, path
