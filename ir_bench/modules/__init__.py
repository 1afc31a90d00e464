"""Heads and poolings of our own as sentence-transformers modules, saved and loaded with a model like the library's."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from sentence_transformers.base.modules.module import Module


def load(kind: Any, folder: Path | str, **options: Any) -> Any:
    """A model of a class of sentence-transformers from its folder, which may name modules of this package.

    The library imports such modules only with trust_remote_code, which would also run code that the folder brings.
    """
    return kind._load_with_module_classes(str(folder), own(), **options)


@cache
def own() -> dict[str, type[Module]]:
    """The classes of this package by the name that a saved model has for them."""
    found = {}
    for module in iter_modules(__path__):
        name = f"{__name__}.{module.name}"
        for value in vars(import_module(name)).values():
            if isinstance(value, type) and issubclass(value, Module) and value.__module__ == name:
                found[f"{name}.{value.__qualname__}"] = value
    return found
