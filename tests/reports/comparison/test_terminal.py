"""A comparison on terminals of several widths."""

from __future__ import annotations

import io
import re

import pytest
from reports.comparison.forms import AWKWARD, awkward, gaps
from reports.comparison.made import FEW, random_results, two_datasets
from rich.console import Console

from ir_bench.reports.comparison import wording
from ir_bench.reports.comparison.compare import compare
from ir_bench.reports.comparison.terminal import terminal


def shown(content, width: int = 160, styles: bool = False) -> str:
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(content)
    return console.export_text(styles=styles)


@pytest.mark.parametrize("width", [80, 100, 160])
def test_every_number_is_there_in_full(width):
    comparison = two_datasets()
    text = shown(terminal(comparison), width)
    for mean in comparison.means:
        assert f"{mean.value:.4f}" in text
        assert f"{mean.low:.4f}–{mean.high:.4f}" in text
    for p in comparison.pairs:
        numbers = (p.difference, p.low, p.high)
        difference, low, high = map(wording.signed, numbers)
        row = next(line for line in text.splitlines() if f"{low}…{high}" in line)
        assert f"{difference}  {low}…{high}  " in row
        assert wording.p(p.randomisation_holm) in row
        assert f"{p.wins}/{p.ties}/{p.losses}" in text
        assert wording.number(p.detectable) in text
    for row in comparison.overall:
        assert f"{row.low:.4f}–{row.high:.4f}" in text
    assert max(map(len, text.splitlines())) <= width


def test_a_wide_terminal_has_one_table_of_pairs_and_a_narrow_one_two():
    comparison = two_datasets()
    assert "pairs: size and power" in shown(terminal(comparison), 80)
    wide = shown(terminal(comparison), 160)
    assert "pairs: size and power" not in wide
    (head,) = (line for line in wide.splitlines() if "p rand." in line)
    words = ["dataset", "measure", "pair", "diff.", "interval", "p", "rand.", "p", "t", "d", "able", "alence", "losses"]
    assert head.split() == [*words, "verdict"]


def test_many_measures_get_a_table_each_where_they_do_not_fit():
    measures = ["nDCG@10", "R@100", "AP", "RR@10"]
    comparison = compare(random_results(measures=measures), measures, permutations=FEW)
    narrow, wide = (shown(terminal(comparison), width) for width in (80, 160))
    assert len(re.findall("^means", narrow, re.MULTILINE)) == 4
    assert len(re.findall("^means", wide, re.MULTILINE)) == 1
    assert all(f"{mean.low:.4f}–{mean.high:.4f}" in narrow for mean in comparison.means)


def test_the_best_is_bold_and_no_other():
    comparison = two_datasets()
    text = shown(terminal(comparison), styles=True)
    bold = re.findall(r"\x1b\[1m(0\.\d{4})\x1b\[0m", text)
    rows = [*comparison.means, *comparison.overall]
    assert sorted(bold) == sorted(f"{row.value:.4f}" for row in rows if row.best)


def test_letters_follow_the_value():
    comparison = two_datasets()
    text = shown(terminal(comparison))
    assert any(mean.letters for mean in comparison.means)
    for mean in comparison.means:
        assert re.search(rf"{mean.value:.4f} {mean.letters}\s+{mean.low:.4f}", text)


def test_points_stand_below_one_another():
    text = shown(terminal(two_datasets()))
    rows = [line for line in text[: text.index("Bold")].splitlines() if re.search(r"\d\.\d{4}", line)]
    assert len({tuple(match.start() for match in re.finditer(r"\.\d{4}", row)) for row in rows}) == 1


def test_a_dataset_is_named_once_and_systems_by_letter_and_name():
    lines = shown(terminal(two_datasets())).splitlines()
    means = lines[: next(i for i, line in enumerate(lines) if line.startswith("Bold"))]
    names = [line.split()[: 3 if "beir" in line else 2] for line in means if re.search(r"\d\.\d{4}", line)]
    rest = [["b", "second"], ["c", "third"]]
    assert names == [["beir/scifact", "a", "first"], *rest, ["beir/nfcorpus", "a", "first"], *rest]


def test_a_dataset_without_a_system_has_no_row_for_it():
    results = [r for r in random_results(("one", "two")) if (r.dataset, r.retriever) != ("two", "third")]
    text = shown(terminal(compare(results, ["nDCG@10"], permutations=FEW)))
    means = text[: text.index("Bold")]
    assert (means.count("second"), means.count("third")) == (2, 1)


def test_names_are_not_read_as_markup():
    text = shown(terminal(awkward(), gaps()))
    assert all(name in text for name in AWKWARD)


def test_notes_and_averages_are_below_their_tables():
    comparison = two_datasets()
    text = " ".join(shown(terminal(comparison)).split())
    for note in (wording.note, wording.pair_note, wording.overall_note, wording.rank_note):
        assert " ".join(note(comparison).split()) in text
    assert "BEIR-13: not complete: 11 of 13" in text


def test_queries_that_differ_most():
    lines = shown(terminal(awkward(), gaps())).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("The 2 queries that differ most"))
    one, other, _ = AWKWARD
    assert [line.rstrip() for line in lines[start:]] == [
        "The 2 queries that differ most, by nDCG@10 (● relevant, ○ judged not relevant, with the grade)",
        "beir/scifact q_1: what [is] | this?",
        f"  {one} 1.0000  {other} 0.2500",
        f"  {one}:",
        "    1. ●2 d|1  A <i>title</i> of *stars*",
        "    2. ○0 d2  not relevant",
        "    3.    d3",
        f"  {other}: nothing found",
        "beir/nfcorpus q2",
        f"  {one} 0.0000  {other} 0.5000",
    ]
