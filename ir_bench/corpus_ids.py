"""Row numbers and document ids of a corpus: the one place where the two meet."""

from __future__ import annotations

from ir_bench.errors import InputError
from ir_bench.store import Store, first_repeated
from ir_bench.types import Corpus, Strings


def document_ids(corpus: Corpus, store: Store) -> Strings:
    """The ids in corpus order. Raises InputError for an empty corpus or an id that occurs twice."""
    ids = store.strings(["ids", corpus.identity], lambda: (d.id for d in corpus))
    if not len(ids):
        raise InputError(f"corpus {corpus.name} has no documents", "at least one document", "look at its files")
    if (repeated := first_repeated(ids)) is not None:
        raise InputError(
            f"corpus {corpus.name}: document id {repeated!r} occurs twice",
            "every id once",
            "remove the duplicate; judgments could not tell the two apart",
        )
    return ids
