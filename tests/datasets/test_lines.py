"""Text files line by line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench.datasets.lines import lines
from ir_bench.errors import InputError


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes("a\u2028b\u0085c\x0bd\x0ce\nsecond\r\nthird".encode())
    assert list(lines(path)) == [(1, "a\u2028b\u0085c\x0bd\x0ce"), (2, "second"), (3, "third")]


def test_blank_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"\n  \none\n\ntwo\n")
    assert list(lines(path)) == [(3, "one"), (5, "two")]


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"\xef\xbb\xbfone\n")
    assert list(lines(path)) == [(1, "one")]


@given(st.lists(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), min_size=1)))
def test_compressed_or_not_reads_the_same(texts: list[str]) -> None:
    import tempfile

    texts = [text for text in texts if text.strip(" ") and not text.startswith("\ufeff")]
    with tempfile.TemporaryDirectory() as folder:
        plain, packed = Path(folder, "plain"), Path(folder, "packed.gz")
        content = "".join(f"{text}\n" for text in texts).encode()
        plain.write_bytes(content)
        packed.write_bytes(gzip.compress(content))
        assert [line for _, line in lines(plain)] == texts
        assert list(lines(packed)) == list(lines(plain))


def test_a_gzip_file_is_known_by_its_content(tmp_path: Path) -> None:
    named_gz, named_plain = tmp_path / "a.gz", tmp_path / "b.txt"
    named_gz.write_bytes(b"not packed\n")
    named_plain.write_bytes(gzip.compress(b"packed\n"))
    assert list(lines(named_gz)) == [(1, "not packed")]
    assert list(lines(named_plain)) == [(1, "packed")]


def test_bytes_that_are_not_utf8_are_named(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes("fine\ncafé au lait\n".encode("latin1"))
    with pytest.raises(InputError, match=r"latin\.txt:2: byte 0xe9 at position 3 is not UTF-8") as raised:
        list(lines(path))
    assert "iconv -f latin1" in raised.value.fix


def test_a_truncated_gzip_file_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(b"line\n" * 1000)[:-20])
    with pytest.raises(InputError, match=r"cut\.gz: the compressed file is damaged"):
        list(lines(path))


def test_a_changed_gzip_file_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "bad.gz"
    packed = bytearray(gzip.compress(bytes(range(32, 127)) * 50))
    packed[30] ^= 0xFF
    path.write_bytes(packed)
    with pytest.raises(InputError, match=r"bad\.gz: the compressed file is damaged"):
        list(lines(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.txt cannot be read: No such file"):
        list(lines(tmp_path / "nothing.txt"))
