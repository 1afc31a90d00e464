"""Blocks of the page: what is packed comes back, and cannot leave its place in HTML."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ir_bench.reports.html.container import KINDS, packed, unpacked

ARRAYS = st.sampled_from(sorted(KINDS)).flatmap(
    lambda kind: arrays.arrays(
        np.dtype(KINDS[kind]), st.integers(0, 9), elements={"allow_nan": False} if kind == "f4" else None
    )
)
KEYS = st.text(max_size=4).filter(lambda key: key != "$")
PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    PLAIN | st.text() | ARRAYS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)
)


def same(a, b) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@given(VALUES)
@settings(deadline=None, max_examples=60)
def test_what_is_packed_comes_back(value):
    text = packed({"value": value})
    assert same(unpacked(text)["value"], value)
    assert re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", text)
    assert packed({"value": value}) == text


@pytest.mark.parametrize("kind", ["float64", "int64", "uint8"])
def test_an_array_that_the_browser_has_no_name_for_is_refused(kind):
    with pytest.raises(TypeError, match=kind):
        packed([np.zeros(3, kind)])


def test_a_number_that_json_lacks_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        packed({"x": float("nan")})


def test_the_browser_reads_the_same(browser, script):
    value = {
        "a": np.array([1.5, -2.25], np.float32), "b": [np.array([7], np.uint16), np.array([-3], np.int16)],
        "c": np.array([2**32 - 1], np.uint32), "text": "</script> \u2028 ü 漢", "none": None,
    }  # fmt: skip
    page = browser.new_page()
    page.set_content(f'<script type="text/plain" id="x">{packed(value)}</script><script>{script("container")}</script>')
    seen = page.evaluate("""async () => {
        const v = await block("x");
        return [[...v.a], [...v.b[0]], [...v.b[1]], [...v.c], v.text, v.none, v.a.constructor.name, await block("y")];
    }""")
    page.close()
    assert seen == [[1.5, -2.25], [7], [-3], [2**32 - 1], value["text"], None, "Float32Array", None]
