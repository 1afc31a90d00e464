"""What the README shows is true: its Python example runs, its commands and folders exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ir_bench.cli.compose import CONF, compose, expand

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_without_configuration_runs_and_prints_what_the_readme_prints(capsys, tmp_path, monkeypatch):
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    assert len([line for line in code.split("\n") if line and not line.startswith(("from", "import", "#"))]) < 10
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out.strip()
    assert printed
    assert printed in README


@pytest.mark.parametrize("line", re.findall(r"^ir-bench run (?!-|.*--)([^#\n]+)", README, re.MULTILINE))
def test_the_commands_compose(line):
    arguments = [argument.replace("'", "") for argument in line.split()]
    compose(["dataset=sample", *expand(arguments)] if "dataset=" not in line else expand(arguments))


def test_every_folder_that_is_named_is_there():
    for path in re.findall(r"`((?:conf|ir_bench|scripts|tests|results)/[\w/]*)`", README):
        assert (ROOT / path).exists(), path
    assert CONF.is_dir()
