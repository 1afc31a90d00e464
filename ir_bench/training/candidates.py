"""Checks on what a teacher is asked to score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.training.examples import Examples, TrainingText
from ir_bench.training.known import Rows


def require_corpus(examples: Examples, documents: Rows, text: TrainingText) -> None:
    """Raises InputError where a candidate is a text made from a document: an index holds whole documents."""
    made = documents[documents >= len(text.documents)]
    if len(made):
        raise InputError(
            f"candidate {examples.pairs.document_ids[made[0]]!r} is a text made from a document, not a document of "
            f"{text.corpus.name}",
            "documents of the corpus",
            "take a teacher that reads texts (cross_encoder, max_sim), or pairs with whole documents",
        )


def require_scores(examples: Examples, queries: Rows, documents: Rows, scores: NDArray[np.floating]) -> None:
    """Raises InputError, naming query and document, for the first score that is not a finite number."""
    broken = np.flatnonzero(~np.isfinite(scores))
    if len(broken):
        at = int(broken[0])
        raise InputError(
            f"the teacher's score of document {examples.pairs.document_ids[documents[at]]!r} for query "
            f"{examples.pairs.query_ids[queries[at]]!r} is {scores[at]}",
            "a finite score for every candidate",
            "check the model and its number format (float16 overflows)",
        )
