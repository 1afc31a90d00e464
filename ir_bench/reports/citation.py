"""A paper named in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def citation(paper: Mapping[str, Any]) -> str:
    """Authors, year, title, venue and arXiv number, as far as they are known."""
    authors = paper.get("authors") or ""
    names = authors if isinstance(authors, str) else ", ".join(authors)
    head = " ".join(part for part in (names, str(paper.get("year") or "")) if part)
    rest = [f"“{paper['title']}”" if paper.get("title") else "", paper.get("venue") or ""]
    rest.append(f"arXiv {paper['arxiv']}" if paper.get("arxiv") else "")
    return ", ".join(part for part in (head, *rest) if part)
