"""Corpus, queries and judgments to one dataset, each read once and not before it is used."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Literal, Protocol

from ir_bench.errors import InputError
from ir_bench.types import Corpus, Dataset, Qrels, Queries, Rules


class Settings(Protocol):
    """What every source lets the user choose."""

    @property
    def split(self) -> str: ...
    @property
    def titles(self) -> Literal["join", "ignore"]: ...
    @property
    def judged_only(self) -> bool: ...
    @property
    def query_tokens(self) -> int | None: ...
    @property
    def document_tokens(self) -> int | None: ...
    @property
    def rules(self) -> Rules: ...


def assemble(
    name: str,
    settings: Settings,
    corpus: Callable[[], Corpus],
    queries: Callable[[], Queries],
    qrels: Callable[[], Qrels],
) -> Dataset:
    """A dataset with its queries in file order, limited to those judged in the split when `judged_only` says so."""
    if settings.titles not in ("join", "ignore"):
        raise InputError(f"titles={settings.titles!r} is not known", "join or ignore", "dataset.titles=join")
    read_qrels = cache(qrels)

    @cache
    def wanted() -> Queries:
        texts = queries()
        if not settings.judged_only:
            return texts
        judged = read_qrels()
        kept = {query: text for query, text in texts.items() if query in judged}
        if not kept:
            raise InputError(
                f"{name}: none of the {len(judged)} queries judged in split {settings.split!r} is among the "
                f"{len(texts)} queries",
                f"the same ids in both; here {next(iter(judged))!r} and {next(iter(texts), None)!r}",
                "look at the ids in both files",
            )
        return kept

    return Dataset(name, cache(corpus), wanted, read_qrels, settings.rules, settings.split)
