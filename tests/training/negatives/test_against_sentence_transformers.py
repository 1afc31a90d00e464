"""Mined negatives against sentence-transformers' `mine_hard_negatives`, where both mean the same."""

from __future__ import annotations

import numpy as np
import pytest
from training.build import labelled

from ir_bench import models
from ir_bench.cli.compose import part
from ir_bench.errors import InputError
from ir_bench.training.examples import training_text
from ir_bench.training.negatives.mined import Mined
from ir_bench.types import Corpus, Dataset, Document

TOPICS = ["tides and the moon", "sourdough bread", "harbour pilots", "wing lift", "kidney stones", "tax law"]
SAYINGS = ["a short guide to", "the history of", "common mistakes in", "why people love", "a quarrel about", "notes on"]


@pytest.mark.parametrize(("first", "last"), [(1, 3), (3, 6)])
def test_equals_mine_hard_negatives(store, first, last):
    datasets = pytest.importorskip("datasets")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.util import mine_hard_negatives

    documents = [Document(f"d{i}-{j}", f"{s} {t}") for i, t in enumerate(TOPICS) for j, s in enumerate(SAYINGS)]
    queries = {f"q{i}": f"what about {topic}?" for i, topic in enumerate(TOPICS)}
    qrels = {f"q{i}": {f"d{i}-{j}": 1 for j in range(1 + i % 3)} for i in range(len(TOPICS))}
    corpus = Corpus("sayings", "sayings-1", lambda: iter(documents), len(documents))
    text = training_text(Dataset("sayings", lambda: corpus, lambda: queries, lambda: qrels, split="train"))
    retriever = part("retriever", "minilm")
    try:
        pairs = labelled(text)
        count = last - first + 1
        ours = Mined(retriever, first, last, count, "first")
        ours.start(text, pairs, store, 0)
    except InputError as error:
        pytest.skip(f"its weights are not here: {error.happened}")
    table = datasets.Dataset.from_dict(
        {
            "anchor": [pairs.queries[row] for row in pairs.query_rows],
            "positive": [pairs.documents[row] for row in pairs.document_rows],
        }
    )
    theirs = mine_hard_negatives(
        table,
        SentenceTransformer(str(models.folder(retriever.encoder.model)), device="cpu"),
        corpus=list(text.documents),
        range_min=first - 1,
        range_max=last,
        num_negatives=count,
        output_format="n-tuple",
        verbose=False,
    )
    assert theirs["anchor"][:] == table["anchor"][:]
    drawn = ours.draw(np.arange(len(pairs)), 0)
    for i in range(count):
        assert [text.documents[row] for row in drawn[:, i]] == theirs[f"negative_{i + 1}"][:]
