"""The file as a whole."""

from __future__ import annotations

import re

import pytest
from reports.html.synthetic import make_up

from ir_bench.errors import InputError
from ir_bench.reports.html.cells import grouped
from ir_bench.reports.html.page import page

HOSTILE = "</script><img src=x onerror=alert(1)>{{title}} \u2028 <b>&amp;"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_up(tmp_path_factory.mktemp("made"), systems=2, queries=6, documents=60, sides=((HOSTILE, HOSTILE),))


def whole(made, **more) -> str:
    groups = grouped(made.measured)
    return page(groups, {"made/up": made.data}, {"made/up": made.explainers}, date="2026-01-01", version="1", **more)


def test_the_same_arguments_give_the_same_bytes(made):
    assert whole(made) == whole(made)


def test_nothing_is_loaded_from_elsewhere(made):
    markup = re.sub(r'<script type="text/plain"[^>]*>[^<]*</script>', "", whole(made))
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", markup)
    assert "default-src 'none'" in markup
    assert not re.search(r"@import|url\(", markup)


def test_texts_cannot_become_markup(made):
    text = whole(made, title=HOSTILE)
    assert "<img" not in text
    assert "\u2028" not in re.sub(r"<title>.*?</h1>", "", text, flags=re.S)
    assert text.count("</script>") == text.count("<script")
    assert "&lt;/script&gt;&lt;img" in text
    assert "{{title}}" in text  # what is put in is not looked at again


def test_without_scripts_there_is_a_table_of_means(made):
    plain = re.search(r"<noscript>(.*?)</noscript>", whole(made, measures=["AP"]), re.S)[1]
    mean = made.measured[1].means["AP"]
    assert f"<td>made/up</td><td>system-1</td><td>{mean:.4f}</td>" in plain
    assert "nDCG" not in plain


def test_a_heading_that_says_what_is_there(made):
    text = whole(made)
    assert "<h1>2 retrieval systems on made/up</h1>" in text
    assert "2 runs over 6 judged queries: made/up. Made on 2026-01-01." in text


def test_nothing_to_report_and_an_unknown_measure(made):
    with pytest.raises(InputError, match="nothing to report"):
        page([], {}, {})
    with pytest.raises(InputError, match="P@7 was not scored"):
        whole(made, measures=["AP", "P@7"])


def test_hostile_texts_stay_texts_in_the_browser(made, open_page, tmp_path):
    (tmp_path / "hostile.html").write_text(whole(made, title=HOSTILE), encoding="utf-8")
    shown = open_page(tmp_path / "hostile.html", "#made%2Fup/q0", figures=True)
    shown.wait_for_selector("#detail[open]")
    assert shown.evaluate("document.querySelector('#detail-title').textContent") == HOSTILE
    assert shown.evaluate("document.querySelector('h1').textContent") == HOSTILE
    for summary in shown.query_selector_all("#detail .ranking summary"):
        summary.click()
    shown.evaluate("document.querySelector('#detail').close()")
    shown.evaluate("scrollTo(0, document.querySelector('#queries').offsetTop)")
    shown.wait_for_selector("#scatter-figure .plot[data-drawn]")
    assert shown.evaluate("document.querySelectorAll('img').length") == 0
