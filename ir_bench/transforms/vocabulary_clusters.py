"""Terms of like meaning as one dimension: clusters of a model's token embeddings, as LENS has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ir_bench import models
from ir_bench.errors import InputError
from ir_bench.kernels.bags import pooled, unit
from ir_bench.kernels.token_clusters import token_clusters
from ir_bench.shards import write_arrays
from ir_bench.types import Sparse, Strings


@dataclass
class VocabularyClusters:
    """Weights of tokens [texts, vocabulary] to weights of `clusters` of tokens: the largest of a text's ("max"), or
    their "sum". `clusters` None leaves every term what it is.

    Clusters are those of spherical k-means over the input embeddings of `model`, made once; a cluster bears the name
    of the token nearest to its centre. Terms that are no tokens of the model, and its special tokens, stay what they
    are. `normalise`: each text's vector gets length 1.

    Source: Lei et al. 2025, Enhancing Lexicon-Based Text Embeddings with Large Language Models (LENS), section 3.
    Differs: weights of tokens are pooled, where LENS makes the model's output layer of the clusters' centres.
    Raises InputError for fewer clusters than 1 or more than the model has tokens.
    """

    accepts: ClassVar[type] = Sparse
    produces: ClassVar[type] = Sparse

    model: str = field(metadata={"changes_results": False})  # provenance() names it, and its weights
    clusters: int | None = 4000
    pooling: Literal["max", "sum"] = "max"
    normalise: bool = False
    iterations: int = 20
    seed: int = 0
    _names: list[str] | None = field(default=None, init=False, repr=False, compare=False)
    _cluster_of: dict[str, int] | None = field(default=None, init=False, repr=False, compare=False)

    def provenance(self) -> Mapping[str, object]:
        return models.provenance(self.model)

    def fit(self, documents: Sparse) -> None:
        if self.clusters is None:
            self._names, self._cluster_of = [], {}
            return
        tokens, embeddings = _tokens(self.model)
        of, self._names = token_clusters(tokens, embeddings, self.clusters, self.iterations, self.seed)
        self._cluster_of = dict(zip(tokens, of.tolist(), strict=True))

    def save(self, folder: Path) -> None:
        names, cluster_of = self._fitted()
        for what, strings in (("names", names), ("tokens", list(cluster_of))):
            kept = Strings.of(strings)
            write_arrays(folder, {f"{what}.data": kept.data, f"{what}.bounds": kept.bounds})
        write_arrays(folder, {"clusters": np.fromiter(cluster_of.values(), np.int32, len(cluster_of))})

    def load(self, folder: Path) -> None:
        arrays = {path.stem: np.load(path, allow_pickle=False) for path in folder.glob("*.npy")}
        self._names = list(Strings(arrays["names.data"], arrays["names.bounds"]))
        tokens = Strings(arrays["tokens.data"], arrays["tokens.bounds"])
        self._cluster_of = dict(zip(tokens, arrays["clusters"].tolist(), strict=True))

    def documents(self, vectors: Sparse) -> Sparse:
        names, cluster_of = self._fitted()
        if self.clusters is None:
            found = vectors
        else:
            others: dict[str, int] = {}
            table = np.empty(len(vectors.vocabulary), np.int32)
            for number, term in enumerate(vectors.vocabulary):
                cluster = cluster_of.get(term)
                table[number] = len(names) + others.setdefault(term, len(others)) if cluster is None else cluster
            owners = np.repeat(np.arange(len(vectors)), np.diff(vectors.offsets))
            bags = pooled(owners, table[vectors.terms], vectors.weights, len(vectors), self.pooling)
            found = Sparse(*bags, Strings.of([*names, *others]))
        if not self.normalise:
            return found
        return Sparse(found.terms, unit(found.weights, found.offsets), found.offsets, found.vocabulary)

    def queries(self, vectors: Sparse) -> Sparse:
        return self.documents(vectors)

    def _fitted(self) -> tuple[list[str], dict[str, int]]:
        if self._names is None or self._cluster_of is None:
            raise InputError("clusters before fit", "a fitted transform", "call fit or load first")
        return self._names, self._cluster_of


def _tokens(model: str) -> tuple[list[str], NDArray[np.float32]]:
    """The names of a model's tokens, special ones left out, and their embeddings [tokens, dims]."""
    from transformers import AutoModel, AutoTokenizer

    folder = str(models.folder(model))
    with models.loading(model):
        tokenizer = AutoTokenizer.from_pretrained(folder)
        table: Any = AutoModel.from_pretrained(folder).get_input_embeddings().weight
    known = min(len(tokenizer), len(table))
    ids = np.setdiff1d(np.arange(known), tokenizer.all_special_ids)
    tokens: Any = tokenizer.convert_ids_to_tokens(ids.tolist())
    return tokens, table.detach().float().numpy()[ids]
