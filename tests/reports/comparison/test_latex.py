"""A comparison as a LaTeX table."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from reports.comparison.forms import awkward
from reports.comparison.made import FEW, random_results, result, two_datasets

from ir_bench.evaluation.averages import members
from ir_bench.reports.comparison.compare import compare
from ir_bench.reports.comparison.latex import latex


def body(text: str) -> list[list[str]]:
    """The cells of each row between \\midrule and \\bottomrule."""
    inner = text.split("\\midrule\n")[1].split("\\bottomrule")[0]
    return [[cell.strip() for cell in re.split(r"(?<!\\)&", row.removesuffix("\\\\"))] for row in inner.splitlines()]


@pytest.mark.parametrize("comparison", [two_datasets, awkward])
def test_braces_and_environments_are_balanced(comparison):
    text = re.sub(r"\\[\\{}]", "", latex(comparison()))  # an escaped brace is text
    assert text.count("{") == text.count("}")
    depth = 0
    for character in text:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert re.findall(r"\\(begin|end)\{(\w+)", text) == [
        ("begin", "table"), ("begin", "tabular"), ("end", "tabular"), ("end", "table"),
    ]  # fmt: skip


@pytest.mark.parametrize("comparison", [two_datasets, awkward])
def test_every_row_has_as_many_cells_as_the_table_has_columns(comparison):
    text = latex(comparison())
    columns = re.search(r"\\begin\{tabular\}\{@\{\}(l+)@\{\}\}", text)
    assert columns is not None
    assert len(columns[1]) == 8
    assert {len(row) for row in body(text)} == {8}
    heads = text.split("\\toprule\n")[1].split("\\midrule")[0].splitlines()
    spans = [int(n) for n in re.findall(r"\\multicolumn\{(\d+)\}", heads[0])]
    assert spans == [2, 2, 2]
    assert heads[1] == r"\cmidrule(lr){3-4} \cmidrule(lr){5-6} \cmidrule(lr){7-8}"
    assert heads[2] == r" & System & nDCG@10 & R@100 & nDCG@10 & R@100 & nDCG@10 & R@100 \\"


def test_what_latex_reads_as_commands_is_escaped():
    text = latex(awkward())
    assert [row[1] for row in body(text)[::2]] == [
        r"run\_1\textbar{}*x* [b]",
        r"\textless{}b\textgreater{}50 \% \& \$x\$\textless{}/b\textgreater{} "
        r"\{\#\} \textasciitilde{}\textasciicircum{}\textbackslash{}end",
        "plain",
    ]
    assert not re.search(r"(?<!\\)[%#]", text.split("\n", 1)[1])  # the first line is a comment
    assert text.isascii()


def test_means_best_letters_and_intervals():
    comparison = two_datasets()
    rows = body(latex(comparison))
    for i, (system, letter) in enumerate(comparison.letters.items()):
        values, intervals = rows[2 * i : 2 * i + 2]
        assert values[:2] == [letter, system]
        assert intervals[:2] == ["", ""]
        means = [comparison.mean(d, m, system) for d in comparison.queries for m in comparison.measures]
        shown = [*means, *(row for row in comparison.overall if row.system == system)]
        for row, value, interval in zip(shown, values[2:], intervals[2:], strict=True):
            assert row is not None
            number = rf"\textbf{{{row.value:.4f}}}" if row.best else f"{row.value:.4f}"
            letters = getattr(row, "letters", "")
            assert value == number + (f"$^{{{letters}}}$" if letters else "")
            assert interval == rf"{{\scriptsize {row.low:.4f}--{row.high:.4f}}}"


def test_a_system_that_a_dataset_lacks_has_a_dash():
    results = [r for r in random_results(("one", "two")) if (r.dataset, r.retriever) != ("two", "third")]
    rows = body(latex(compare(results, ["nDCG@10"], permutations=FEW)))
    assert rows[4][3] == "--"
    assert rows[5][3] == ""
    assert {len(row) for row in rows} == {4}


def test_the_caption_has_the_tests_and_complete_averages():
    text = latex(two_datasets())
    assert r"p $\leq$ 0.05 after Holm's correction over 12 tests" in text
    assert r"95\% intervals" in text
    assert "Unweighted mean over 2 sets: beir/scifact, beir/nfcorpus." in text
    assert "not complete" not in text
    results = [result(d, r, [v]) for d in members("beir13") for r, v in (("x", 0.5), ("y", 0.25))]
    assert "BEIR-13 nDCG@10: x 0.5000, y 0.2500." in latex(compare(results, ["nDCG@10"]))


def test_it_compiles(tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    document = "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n%s\\end{document}\n"
    (tmp_path / "table.tex").write_text(document % latex(awkward()), encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
