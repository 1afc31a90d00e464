"""Folders in BEIR's layout and a web server that misbehaves as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

DOCUMENTS = [
    {"_id": "d1", "title": "Owls", "text": "They hunt by night."},
    {"_id": "d2", "title": "", "text": "A text without a title."},
    {"_id": "d3", "title": "Line\u2028separators", "text": "next\u0085line"},
]
QUERIES = [{"_id": "q1", "text": "night hunters"}, {"_id": "q2", "text": "no title"}, {"_id": "q3", "text": "unjudged"}]
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td2\t1\n"


@pytest.fixture
def beir_folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes a collection of three documents; what is given replaces its files."""

    def write(
        name: str = "owls",
        documents: list[Any] | str = DOCUMENTS,
        queries: list[Any] | str = QUERIES,
        qrels: str = QRELS,
        split: str = "test",
        below: Path = tmp_path,
    ) -> Path:
        folder = below / name
        (folder / "qrels").mkdir(parents=True, exist_ok=True)
        for file, content in (("corpus.jsonl", documents), ("queries.jsonl", queries)):
            text = content if isinstance(content, str) else "".join(json.dumps(row) + "\n" for row in content)
            (folder / file).write_bytes(text.encode())
        (folder / f"qrels/{split}.tsv").write_bytes(qrels.encode())
        return folder

    return write


class Server:
    """Serves `content` at any path. `script` holds what to do at each request, the last entry for all further ones:
    "whole", "range" (honours Range), a number of bytes after which to hang up, or a status code as "404"."""

    def __init__(self) -> None:
        self.content = b""
        self.script: list[str | int] = ["range"]
        self.requests: list[tuple[str, str | None]] = []  # path, Range header
        self.address = ""
        self.etag: str | None = None
        self.asked_if: list[str | None] = []  # If-Range header

    def step(self) -> str | int:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.requests.append((self.path, self.headers.get("Range")))
            step = told.step()
            if isinstance(step, str) and step.isdigit():
                self.send_error(int(step))
                return
            start = 0
            asked, condition = self.headers.get("Range"), self.headers.get("If-Range")
            told.asked_if.append(condition)
            if asked and step != "whole" and condition in (None, told.etag):
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                if start >= len(told.content):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(told.content) - 1}/{len(told.content)}")
            else:
                self.send_response(200)
            body = told.content[start:]
            self.send_header("Content-Length", str(len(body)))
            if told.etag:
                self.send_header("ETag", told.etag)
            self.end_headers()
            self.wfile.write(body[:step] if isinstance(step, int) else body)
            self.close_connection = True

        def log_message(self, *arguments: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.daemon_threads = True
    told.address = f"http://127.0.0.1:{web.server_port}"
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield told
    web.shutdown()
    thread.join()
    web.server_close()


@pytest.fixture(autouse=True)
def _quick_and_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No waiting between attempts, an own cache, no real collections unless a test asks, no proxy."""
    monkeypatch.setattr("ir_bench.datasets.download.WAIT_S", 0.0)
    monkeypatch.setenv("IR_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("IR_BENCH_OFFLINE", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
