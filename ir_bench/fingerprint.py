"""A component's identity: its class and its settings, recursively; never its learned state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path


def describe(component: object, of_documents: bool = False) -> object:
    """The identity as plain data: class name, settings that change results, and provenance where it has one.

    `of_documents`: only what changes the vectors or the index made of documents; settings that matter to queries alone
    (a query prompt, `nprobe`) carry the metadata `changes_documents: False`, so that a sweep over them builds once.
    A setting that a part got later carries the metadata `added`, the value that does what was done before: at this
    value it is not written down, so that earlier results stay found.
    Raises TypeError for a setting that cannot be written down (a function, an array, an open file).
    """
    if is_dataclass(component) and not isinstance(component, type):
        settings = {
            f.name: describe(getattr(component, f.name), of_documents)
            for f in fields(component)
            if f.init
            and f.metadata.get("changes_results", True)
            and (not of_documents or f.metadata.get("changes_documents", True))
            and not ("added" in f.metadata and f.metadata["added"] == getattr(component, f.name))
        }
        described: dict[str, object] = {"class": type(component).__qualname__, **settings}
        if hasattr(type(component), "version"):  # raised when a correction changes what the class computes
            described["version"] = describe(type(component).version)  # type: ignore[attr-defined]
        if hasattr(component, "provenance"):
            described["provenance"] = describe(component.provenance())
        return described
    if isinstance(component, (list, tuple)):
        return [describe(item, of_documents) for item in component]
    if isinstance(component, Mapping):
        return {str(key): describe(value, of_documents) for key, value in component.items()}
    if component is None or isinstance(component, (str, int, float, bool)):
        return component
    if isinstance(component, Path):
        return str(component)
    raise TypeError(f"{component!r} cannot be part of a component's identity; settings are plain values or dataclasses")


def fingerprint(component: object) -> str:
    """Twelve hexadecimal digits of the SHA-256 of the identity."""
    return hashlib.sha256(json.dumps(describe(component), sort_keys=True).encode()).hexdigest()[:12]
