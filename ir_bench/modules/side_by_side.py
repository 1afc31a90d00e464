"""Several vectors of a text from one pass of the transformer, one after the other: dense and sparse together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import torch
from sentence_transformers.base.modules.module import Module
from torch import nn

TRUSTED = ("sentence_transformers.", "ir_bench.modules.")


class SideBySide(Module):
    """The vectors that each part makes of the same token vectors, concatenated [texts, sum of their dims], so that an
    inner product is the sum of the parts' own.

    `parts`: name -> the modules that make its vector. A part whose dims are the vocabulary's comes first: the sparse
    encoder names dimensions by tokens in that order, and those beyond them by numbers. `scales`: what the part's inner
    product is multiplied with in the sum, at least 0; 1 where none is named.

    Source: Efficient and Interpretable Information Retrieval for Product Question Answering with Heterogeneous Data
    (2024): one encoder, a dense and a lexical vector, scores added; Lin and Lin 2023, A Dense Representation Framework
    for Lexical and Semantic Matching.
    """

    config_keys: ClassVar[list[str]] = ["scales"]
    forward_kwargs: ClassVar[set[str]] = {"task"}

    def __init__(self, parts: Mapping[str, Sequence[Module]], scales: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.parts: Any = nn.ModuleDict({name: nn.Sequential(*modules) for name, modules in parts.items()})
        self.scales = dict(scales or {})
        if strange := set(self.scales) - set(self.parts) or {n for n, s in self.scales.items() if not s >= 0}:
            raise ValueError(f"scales {self.scales}: {sorted(strange)} is no part, or its scale is below zero")

    def forward(self, features: dict[str, Any], task: str | None = None) -> dict[str, Any]:
        vectors = []
        for name, modules in self.parts.items():
            made = dict(features)
            for module in modules:
                made = module(made, task=task) if "task" in module.forward_kwargs else module(made)
            vectors.append(made["sentence_embedding"] * self.scales.get(name, 1.0) ** 0.5)
        features["sentence_embedding"] = torch.cat(vectors, 1)
        return features

    def get_embedding_dimension(self) -> int | None:
        sized = [[m for m in modules if hasattr(m, "get_embedding_dimension")] for modules in self.parts.values()]
        dims: Any = [modules[-1].get_embedding_dimension() if modules else None for modules in sized]
        return None if None in dims else sum(dims)

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        listed: dict[str, list[list[str]]] = {}
        for name, modules in self.parts.items():
            listed[name] = []
            for i, module in enumerate(modules):
                folder = f"{name}_{i}_{type(module).__name__}"
                (Path(output_path) / folder).mkdir(parents=True, exist_ok=True)
                module.save(str(Path(output_path) / folder), safe_serialization=safe_serialization)
                listed[name].append([folder, f"{type(module).__module__}.{type(module).__qualname__}"])
        settings = {**self.get_config_dict(), "parts": listed}
        (Path(output_path) / self.config_file_name).write_text(json.dumps(settings, indent=4), encoding="utf-8")

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **options: Any) -> SideBySide:
        where = {name: options.get(name) for name in ("token", "cache_folder", "revision", "local_files_only")}
        settings = cls.load_config(model_name_or_path, subfolder=subfolder, **where)
        parts = {
            name: [
                _class(kind).load(model_name_or_path, subfolder=f"{subfolder}/{folder}".strip("/"), **where)
                for folder, kind in modules
            ]
            for name, modules in settings["parts"].items()
        }
        return cls(parts, settings["scales"])


def _class(name: str) -> Any:
    if not name.startswith(TRUSTED):
        raise ValueError(f"the module {name} is neither of sentence-transformers nor of ir_bench")
    module, _, cls = name.rpartition(".")
    return getattr(import_module(module), cls)
