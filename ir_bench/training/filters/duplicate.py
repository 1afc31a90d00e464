"""No example twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ir_bench.training.examples import Examples


@dataclass
class Duplicate:
    """Keeps the first of the examples [kept] with the same texts of query and documents, and none whose positive is
    the query itself, word for word, without regard to case and blanks.
    """

    def __call__(self, examples: Examples) -> Examples:
        queries = [" ".join(text.lower().split()) for text in examples.pairs.queries]
        documents = [" ".join(text.lower().split()) for text in examples.pairs.documents]
        seen: set[tuple[str, ...]] = set()
        kept = []
        for query_row, rows in zip(examples.query_rows.tolist(), examples.document_rows.tolist(), strict=True):
            query, texts = queries[query_row], [documents[row] if row >= 0 else "" for row in rows]
            key = (query, texts[0], *sorted(texts[1:]))
            kept.append(key not in seen and query != texts[0])
            seen.add(key)
        return examples.select(np.array(kept, bool))
