"""What the README shows is true: its Python example runs, its commands and folders exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ir_bench.cli.compose import CONF, compose, expand

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.lucene
@pytest.mark.parametrize("code", EXAMPLES, ids=["short", "parts"])
def test_the_examples_run_and_print_what_the_readme_prints(code, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out.strip()
    assert printed
    assert printed in README


def test_the_first_example_is_under_ten_lines():
    assert len([line for line in EXAMPLES[0].split("\n") if line]) < 10


@pytest.mark.parametrize("line", re.findall(r"^ir-bench run (?!-|.*--)([^#\n]+)", README, re.MULTILINE))
def test_the_commands_compose(line):
    arguments = [argument.replace("'", "") for argument in line.split()]
    compose(["dataset=sample", *expand(arguments)] if "dataset=" not in line else expand(arguments))


def test_every_folder_that_is_named_is_there():
    for path in re.findall(r"`((?:conf|ir_bench|scripts|tests|results)/[\w/]*)`", README):
        assert (ROOT / path).exists(), path
    assert CONF.is_dir()
