"""Scores from token states, also of the batch at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ir_bench import models
from ir_bench.progress import bar
from ir_bench.store import Store
from ir_bench.training.candidates import require_scores
from ir_bench.training.examples import Examples, Pairs, TrainingText, spread
from ir_bench.training.known import Rows
from ir_bench.training.started import require_started

AT_ONCE = 256  # queries whose candidates are encoded and scored together


@dataclass
class MaxSim:
    """The sum over a query's tokens of their greatest cosine with a token of the document, divided by the number of
    query tokens where `mean` is set.

    The token states are those of a sentence-transformers model's last layer, without special tokens where `specials` is
    False; `tokens` limits their number. `scores` gives [examples, 1 + negatives], each text encoded once a block;
    `online` a function that scores a whole batch, queries by documents; `matrix` the same from token states at hand,
    with gradients, for a teacher that is trained along or shares the student's forward pass.
    `keep_states` keeps the states of every text it has met, in float16: about 150 kB for 200 tokens of 384 dimensions.
    Raises InputError for a model that cannot be loaded and a score that is not finite, naming query and document.
    Source: Lin, Yang and Lin 2020, "Distilling Dense Representations for Ranking using Tightly-Coupled Teachers"
    (TCT-ColBERT); Khattab and Zaharia 2020, "ColBERT".
    """

    model: str = field(metadata={"changes_results": False})  # provenance() names it, and its weights
    tokens: int | None = None
    specials: bool = True
    mean: bool = False
    keep_states: bool = field(default=False, metadata={"changes_results": False})
    batch_size: int = field(default=32, metadata={"changes_results": False})
    device: str = field(default="auto", metadata={"changes_results": False})
    _model: Any = field(default=None, init=False, repr=False, compare=False)
    _kept: dict[tuple[str, str], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def start(self, text: TrainingText, store: Store) -> None:
        from sentence_transformers import SentenceTransformer

        if self._model is None:
            with models.loading(self.model):
                self._model = SentenceTransformer(
                    str(models.folder(self.model)), device=None if self.device == "auto" else self.device
                )
            self._model.eval()
            if self.tokens is not None:
                self._model.max_seq_length = self.tokens

    def scores(self, examples: Examples) -> NDArray[np.float32]:
        from sentence_transformers.util.similarity import maxsim_pairwise

        require_started(self._model, self)
        queries, documents, at = examples.candidates()
        values = np.empty(len(queries), np.float32)
        changes = np.flatnonzero(np.diff(queries, prepend=-1))
        with bar(len(queries), "scoring candidates", "pairs") as progress:
            for start in range(0, len(changes), AT_ONCE):
                stop = changes[start + AT_ONCE] if start + AT_ONCE < len(changes) else len(queries)
                some = slice(int(changes[start]), int(stop))
                query_states = self._states("query", examples.pairs.queries, queries[some])
                document_states = self._states("document", examples.pairs.documents, documents[some])
                scored = maxsim_pairwise(query_states, document_states, length_normalize=self.mean)
                values[some] = scored.cpu().numpy()
                progress.update(some.stop - some.start)
        require_scores(examples, queries, documents, values)
        return spread(values, at)

    def online(self, pairs: Pairs) -> Callable[[Rows, Rows], Any]:
        """Scores [queries, documents] of rows of these pairs, as a torch tensor without gradients; NaN for row -1."""
        from sentence_transformers.util.similarity import maxsim

        require_started(self._model, self)

        def scored(query_rows: Rows, document_rows: Rows) -> Any:
            queries = self._states("query", pairs.queries, query_rows)
            documents = self._states("document", pairs.documents, np.maximum(document_rows, 0))
            scores = maxsim(queries, documents, length_normalize=self.mean)
            scores[:, np.flatnonzero(document_rows < 0)] = float("nan")
            return scores

        return scored

    def matrix(self, queries: Any, documents: Any, query_mask: Any, document_mask: Any) -> Any:
        """[queries, documents] from token states [texts, tokens, dims] and masks [texts, tokens], with gradients."""
        from sentence_transformers.util.similarity import maxsim
        from torch.nn.functional import normalize

        return maxsim(
            normalize(queries, dim=-1),
            normalize(documents, dim=-1),
            a_mask=query_mask,
            b_mask=document_mask,
            length_normalize=self.mean,
        )

    def provenance(self) -> Mapping[str, object]:
        return models.provenance(self.model)

    def _states(self, side: str, texts: Sequence[str], rows: Rows) -> list[Any]:
        """Unit token states [tokens, dims] of each row's text."""
        import torch
        from torch.nn.functional import normalize

        found: dict[str, Any] = {}
        wanted = dict.fromkeys(texts[row] for row in rows.tolist())
        missing = []
        for text in wanted:
            if (kept := self._kept.get((side, text))) is not None:
                found[text] = kept.float()
            else:
                missing.append(text)
        encode = self._model.encode_query if side == "query" else self._model.encode_document
        encoded = encode(
            missing, batch_size=self.batch_size, output_value=None, show_progress_bar=False, convert_to_numpy=False
        )
        for text, output in zip(missing, encoded, strict=True):
            states = output["token_embeddings"][output["attention_mask"].bool()].detach().clone()
            if not self.specials and len(states) > 2:
                states = states[1:-1]
            states = normalize(states.float(), dim=-1)
            if self.keep_states:
                self._kept[side, text] = states.to(torch.float16)
                states = self._kept[side, text].float()  # the same numbers the first time and later
            found[text] = states
        return [found[texts[row]] for row in rows.tolist()]
