"""Cross-encoders: models that read a query and a document together and give one number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ir_bench import models
from ir_bench.errors import InputError
from ir_bench.progress import bar

AT_ONCE = 64  # batches between two progress updates


def load(model: str, tokens: int | None, device: str) -> Any:
    """A checkpoint as sentence-transformers' CrossEncoder. `tokens` of both texts together; None: the model's limit.

    Raises InputError for a model that cannot be loaded or lacks weights, and for one that gives several numbers.
    """
    from sentence_transformers import CrossEncoder

    with models.loading(model):
        folder = str(models.folder(model))
        loaded = CrossEncoder(folder, max_length=tokens, device=None if device == "auto" else device)
    if loaded.num_labels != 1:
        raise InputError(
            f"{model} gives {loaded.num_labels} numbers for a query and a document, one for each of its labels",
            "one number, which documents can be ordered by",
            "choose a model that was trained to rank (num_labels=1)",
        )
    return loaded


def pair_scores(
    model: Any, pairs: Sequence[tuple[str, str]], batch_size: int, raw: bool, what: str
) -> NDArray[np.float32]:
    """The model's number for each (query, document) [pairs], read in batches of texts of similar length.

    `raw`: the last layer's; otherwise after the model's own activation, often a sigmoid.
    """
    import torch

    order = np.argsort([-len(query) - len(document) for query, document in pairs], kind="stable")
    values = np.empty(len(pairs), np.float32)
    step = AT_ONCE * batch_size
    activation = {"activation_fn": torch.nn.Identity()} if raw else {}
    with bar(len(pairs), what, "pairs") as progress:
        for start in range(0, len(pairs), step):
            some = order[start : start + step]
            values[some] = model.predict(
                [pairs[i] for i in some.tolist()], batch_size=batch_size, show_progress_bar=False, **activation
            )
            progress.update(len(some))
    return values
