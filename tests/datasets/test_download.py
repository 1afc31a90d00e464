"""Downloads from a server that breaks off, lies, or is gone. `server` is in conftest.py."""

from __future__ import annotations

import hashlib
import random
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ir_bench.datasets import download as module
from ir_bench.datasets.download import Download, fetch
from ir_bench.errors import InputError

CONTENT = random.Random(7).randbytes(300_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


def one(server: Any, *mirrors: str, **settings: Any) -> Download:
    server.content = CONTENT
    return Download(urls=[*mirrors, f"{server.address}/owls.zip"], folder="owls", **{"md5": MD5, **settings})


def test_a_good_file(server: Any, tmp_path: Path) -> None:
    target = tmp_path / "new" / "owls.zip"
    assert fetch(one(server), target) == target
    assert target.read_bytes() == CONTENT
    assert not list(target.parent.glob("*.part"))


def test_sha256(server: Any, tmp_path: Path) -> None:
    fetch(one(server, md5=None, sha256=hashlib.sha256(CONTENT).hexdigest()), tmp_path / "f")
    with pytest.raises(InputError, match=f"sha256 {hashlib.sha256(CONTENT).hexdigest()} of the 300,000 bytes"):
        fetch(one(server, sha256="0" * 64), tmp_path / "g")


def test_what_is_there_is_not_fetched_again(server: Any, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"here")
    fetch(one(server), tmp_path / "f")
    assert server.requests == []


def test_a_wrong_checksum_leaves_nothing(server: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"md5 {MD5} of the 300,000 bytes received, expected {'0' * 32}"):
        fetch(one(server, md5="0" * 32), tmp_path / "f")
    assert list(tmp_path.iterdir()) == []
    assert len(server.requests) == 1


def test_a_part_is_continued_where_it_ends(server: Any, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(CONTENT[:100_000])
    fetch(one(server), tmp_path / "f")
    assert server.requests == [("/owls.zip", "bytes=100000-")]
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_server_without_ranges_sends_the_whole(server: Any, tmp_path: Path) -> None:
    server.script = ["whole"]
    (tmp_path / "f.part").write_bytes(b"x" * 100_000)
    fetch(one(server), tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_part_of_something_else_is_noticed_and_replaced(server: Any, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(b"x" * 100_000)
    fetch(one(server), tmp_path / "f")
    assert [asked for _, asked in server.requests] == ["bytes=100000-", None]
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_part_that_is_whole_or_too_long(server: Any, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(CONTENT)
    (tmp_path / "g.part").write_bytes(CONTENT + b"more")
    fetch(one(server), tmp_path / "f")
    fetch(one(server), tmp_path / "g")
    assert (tmp_path / "f").read_bytes() == (tmp_path / "g").read_bytes() == CONTENT


def test_a_server_that_dies_midway_and_comes_back(server: Any, tmp_path: Path) -> None:
    server.script = [90_000, 90_000, "503", "range"]
    fetch(one(server), tmp_path / "f")
    assert [asked for _, asked in server.requests] == [None, "bytes=90000-", "bytes=180000-", "bytes=180000-"]
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_server_that_keeps_dying_is_given_up_and_the_part_kept(server: Any, tmp_path: Path) -> None:
    server.script = [50_000, 0]
    with pytest.raises(InputError, match="the connection broke after 50,000 of 300,000 bytes") as raised:
        fetch(one(server), tmp_path / "f")
    assert len(server.requests) == 1 + module.ATTEMPTS
    assert "what arrived is kept" in raised.value.fix
    server.script = ["range"]
    fetch(one(server), tmp_path / "f")
    assert server.requests[-1][1] == "bytes=50000-"
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_truncated_file_is_never_taken_for_whole_without_a_checksum(server: Any, tmp_path: Path) -> None:
    server.script = [50_000, 0]
    with pytest.raises(InputError, match="broke after"):
        fetch(one(server, md5=None), tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_without_a_checksum_nothing_old_is_continued_and_it_is_said(
    server: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "f.part").write_bytes(b"x" * 100)
    fetch(one(server, md5=None), tmp_path / "f")
    assert server.requests == [("/owls.zip", None)]
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert "f: no checksum is known for it; the file is not verified" in capsys.readouterr().err


def test_a_file_that_changes_meanwhile_is_not_mixed(server: Any, tmp_path: Path) -> None:
    download = one(server, md5=None)
    server.etag = '"first"'
    steps: Iterator[str | int] = iter([90_000, "range"])

    def step() -> str | int:
        now = next(steps)
        if now == "range":
            server.content, server.etag = CONTENT[::-1], '"second"'
        return now

    server.step = step
    fetch(download, tmp_path / "f")
    assert server.asked_if == [None, '"first"']
    assert (tmp_path / "f").read_bytes() == CONTENT[::-1]


def test_an_unmarked_file_without_a_checksum_begins_anew(server: Any, tmp_path: Path) -> None:
    server.script = [90_000, 80_000, "range"]
    fetch(one(server, md5=None), tmp_path / "f")
    assert [asked for _, asked in server.requests] == [None, None, None]
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_server_without_ranges_that_always_dies_is_given_up(server: Any, tmp_path: Path) -> None:
    server.script = [n for n in (90_000, 80_000, 90_000) for _ in range(9)]
    server.script.append("range")  # never reached
    with pytest.raises(InputError, match="the connection broke after"):
        fetch(one(server, md5=None), tmp_path / "f")
    assert len(server.requests) == 1 + module.ATTEMPTS


def test_the_next_mirror_takes_over(server: Any, tmp_path: Path) -> None:
    with socket.socket() as unused:  # a port that nobody listens to
        unused.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{unused.getsockname()[1]}/owls.zip"
        server.script = ["404", "range"]
        fetch(one(server, dead, f"{server.address}/moved.zip"), tmp_path / "f")
    assert [path for path, _ in server.requests] == ["/moved.zip", "/owls.zip"]
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_wrong_file_at_one_mirror_is_not_mixed_with_the_next(server: Any, tmp_path: Path) -> None:
    server.script = [60_000, "404", "range"]  # the first mirror breaks off and vanishes
    fetch(one(server, f"{server.address}/a.zip"), tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_page_that_is_gone_is_not_asked_for_again(server: Any, tmp_path: Path) -> None:
    server.script = ["404"]
    with pytest.raises(InputError, match=r"f could not be downloaded\. http://127.*owls\.zip: HTTP 404 Not Found"):
        fetch(one(server), tmp_path / "f")
    assert len(server.requests) == 1


def test_every_mirror_is_named_when_none_can_be_reached(tmp_path: Path) -> None:
    urls = ["http://127.0.0.1:9/a.zip", "http://127.0.0.1:9/b.zip"]
    with pytest.raises(InputError, match="no connection") as raised:
        fetch(Download(urls=urls, folder="x", md5=MD5), tmp_path / "f")
    assert all(url in raised.value.happened for url in urls)


def test_offline_forbids(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IR_BENCH_OFFLINE", "1")
    with pytest.raises(InputError, match="IR_BENCH_OFFLINE forbids downloading it from http://127"):
        fetch(one(server), tmp_path / "f")
    assert server.requests == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/x", "/etc/passwd"])
def test_only_the_web(url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a web address"):
        fetch(Download(urls=[url], folder="x"), tmp_path / "f")


def test_a_redirect_to_a_file_is_refused(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import urllib.error
    import urllib.request

    handler = urllib.request.HTTPRedirectHandler()
    request = urllib.request.Request(f"{server.address}/x")
    with pytest.raises(urllib.error.HTTPError):
        handler.http_error_302(request, None, 302, "Found", {"location": "file:///etc/passwd"})  # type: ignore[arg-type]
    with pytest.raises(urllib.error.URLError, match="unknown url type: ftp"):
        module._opener().open("ftp://127.0.0.1/x")


def test_a_disk_that_is_too_small(server: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"f needs 9,000,000,000,000,000 bytes, .* has [\d,]+ left"):
        fetch(one(server, size_bytes=9 * 10**15), tmp_path / "f")
    assert server.requests == []


def test_a_folder_that_cannot_be_written_to(server: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write to") as raised:
        fetch(one(server), tmp_path / "file" / "below" / "f")
    assert "IR_BENCH_CACHE" in raised.value.fix
