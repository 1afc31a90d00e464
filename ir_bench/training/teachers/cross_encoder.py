"""Scores from a cross-encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ir_bench import cross_encoding, models
from ir_bench.store import Store
from ir_bench.training.candidates import require_scores
from ir_bench.training.examples import Examples, TrainingText, spread
from ir_bench.training.started import require_started


@dataclass
class CrossEncoderTeacher:
    """The model's score of query and document text read together [examples, 1 + negatives].

    `raw` gives the model's last layer, whose margins a student can learn; otherwise its own activation, often a sigmoid
    that flattens them. Every pair is scored once, however often it stands in the examples.
    Raises InputError for a model that cannot be loaded or has several labels, and for a score that is not finite,
    naming query and document.
    Source: Hofstätter et al. 2020, "Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge
    Distillation".
    """

    model: str = field(metadata={"changes_results": False})  # provenance() names it, and its weights
    tokens: int | None = None
    raw: bool = True
    batch_size: int = field(default=32, metadata={"changes_results": False})
    device: str = field(default="auto", metadata={"changes_results": False})
    _model: Any = field(default=None, init=False, repr=False, compare=False)

    def start(self, text: TrainingText, store: Store) -> None:
        if self._model is None:
            self._model = cross_encoding.load(self.model, self.tokens, self.device)

    def scores(self, examples: Examples) -> NDArray[np.float32]:
        model = require_started(self._model, self)
        queries, documents, at = examples.candidates()
        texts = examples.pairs
        pairs = [
            (texts.queries[q], texts.documents[d]) for q, d in zip(queries.tolist(), documents.tolist(), strict=True)
        ]
        values = cross_encoding.pair_scores(model, pairs, self.batch_size, self.raw, "scoring candidates")
        require_scores(examples, queries, documents, values)
        return spread(values, at)

    def provenance(self) -> Mapping[str, object]:
        return models.provenance(self.model)
