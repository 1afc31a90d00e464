"""A comparison in Markdown, read back by a Markdown parser."""

from __future__ import annotations

import re

import pytest
from reports.comparison.forms import AWKWARD, awkward, gaps
from reports.comparison.made import FEW, random_results, result, two_datasets

from ir_bench.reports.comparison import wording
from ir_bench.reports.comparison.compare import compare
from ir_bench.reports.comparison.markdown import markdown


def tables(text: str) -> list[list[list[str]]]:
    """The tables as a parser sees them: rows of the inline source of cells."""
    parser = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table")
    found: list[list[list[str]]] = []
    cell = False
    for token in parser.parse(text):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("th_open", "td_open"):
            cell = True
        elif token.type == "inline" and cell:
            found[-1][-1].append(plain(token))
            cell = False
    return found


def plain(token) -> str:
    return "".join(child.content for child in token.children if child.type in ("text", "text_special"))


def rendered(text: str) -> str:
    return pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table").render(text)


@pytest.mark.parametrize("comparison", [two_datasets, awkward])
def test_all_rows_of_a_table_have_as_many_cells(comparison):
    text = markdown(comparison(), gaps())
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
    means, pairs, overall = tables(text)
    assert [len(means), len(pairs), len(overall)] == [4, 13, 7]
    for table in (means, pairs, overall):
        assert len({len(row) for row in table}) == 1


def test_names_come_back_as_they_were():
    means, pairs, overall = tables(markdown(awkward()))
    assert [row[1] for row in means[1:]] == list(AWKWARD)
    assert pairs[1][2] == f"{AWKWARD[0]} − {AWKWARD[1]}"
    assert [row[1] for row in overall[1:4]] == list(AWKWARD)


def test_nothing_of_a_name_or_text_is_html_or_markdown():
    html = rendered(markdown(awkward(), gaps()))
    assert set(re.findall(r"</?([a-z0-9]+)", html)) <= {
        "table", "thead", "tbody", "tr", "th", "td", "strong", "sup", "p", "ol", "li", "ul",
    }  # fmt: skip
    assert "<b>" not in html
    assert "<i>" not in html
    assert "A &lt;i&gt;title&lt;/i&gt; of *stars*" in html
    assert "what [is] | this?" in html


def test_means_best_letters_and_intervals():
    comparison = two_datasets()
    lines = markdown(comparison).splitlines()
    assert lines[0] == (
        "|  | system | beir/scifact nDCG@10 | beir/scifact R@100 | beir/nfcorpus nDCG@10 | beir/nfcorpus R@100 "
        "| mean of 2 nDCG@10 | mean of 2 R@100 |"
    )
    for i, (system, letter) in enumerate(comparison.letters.items(), 2):
        cells = [cell.strip() for cell in lines[i].strip("|").split("|")]
        assert cells[:2] == [letter, system]
        for (dataset, measure), cell in zip(
            [(d, m) for d in comparison.queries for m in comparison.measures], cells[2:6], strict=True
        ):
            mean = comparison.mean(dataset, measure, system)
            assert mean is not None
            value = f"**{mean.value:.4f}**" if mean.best else f"{mean.value:.4f}"
            letters = f"<sup>{mean.letters}</sup>" if mean.letters else ""
            assert cell == f"{value}{letters} ({mean.low:.4f}–{mean.high:.4f})"
        for row, cell in zip([r for r in comparison.overall if r.system == system], cells[6:], strict=True):
            value = f"**{row.value:.4f}**" if row.best else f"{row.value:.4f}"
            assert cell == f"{value} ({row.low:.4f}–{row.high:.4f})"


def test_pairs_have_every_number():
    comparison = two_datasets()
    for pair, row in zip(comparison.pairs, tables(markdown(comparison))[1][1:], strict=True):
        assert row == [
            pair.dataset, pair.measure, f"{pair.system} − {pair.other}", wording.signed(pair.difference),
            f"{wording.signed(pair.low)} … {wording.signed(pair.high)}", wording.p(pair.randomisation_holm),
            wording.p(pair.t_holm), wording.signed(pair.cohens_d, 2), wording.number(pair.detectable),
            wording.p(pair.equivalence_holm), f"{pair.wins}/{pair.ties}/{pair.losses}", pair.verdict,
        ]  # fmt: skip


def test_a_system_that_a_dataset_lacks_has_a_dash():
    results = [r for r in random_results(("one", "two")) if (r.dataset, r.retriever) != ("two", "third")]
    means = tables(markdown(compare(results, ["nDCG@10"], permutations=FEW)))[0]
    assert [row[3] == "–" for row in means[1:]] == [False, False, True]
    assert len(means[0]) == 4  # one common dataset is no mean over datasets


def test_notes_stand_below():
    vary = [result(d, "bm25", [0.5, v], system={"k": k}) for d, k, v in (("one", 10, 0.1), ("two", 20, 0.3))]
    others = [result(d, "other", [0.5, 0.2]) for d in ("one", "two")]
    text = markdown(compare([*vary, *others], ["nDCG@10"]))
    assert "\n\nIn parentheses: 95% intervals. Bold: the highest mean. Letters:" in text
    assert "\n\nNote: bm25 has different settings on different datasets.\n" in text


def test_queries_that_differ_most_are_a_nested_list():
    text = markdown(awkward(), gaps())
    html = rendered(text)
    assert (html.count("<ol>"), html.count("<ul>"), html.count("<li>")) == (1, 1, 4)
    one, other, _ = (rendered(re.sub(r"([\\`*_\[\]|#~$<>&])", r"\\\1", n))[3:-5] for n in AWKWARD)
    assert f"<li>{one}: ●2 d|1 A &lt;i&gt;title&lt;/i&gt; of *stars*; ○0 d2 not relevant; d3</li>" in html
    assert f"<li>{other}: nothing found</li>" in html
    assert f"beir/nfcorpus q2 ({one} 0.0000, {other} 0.5000)" in html
