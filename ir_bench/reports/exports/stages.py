"""The stages of a retriever's settings in ir_metadata's terms: a list in which each names those it builds upon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def stages(name: str, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Innermost stage first; the last one bears the retriever's name. Empty where no settings are known."""
    if not settings:
        return []
    if "first" in settings and "reranker" in settings:
        before = stages(f"{name}: first stage", settings["first"])
        reranker = settings["reranker"]
        parameters = {**_parameters(reranker), "depth": settings.get("depth")}
        return [*before, _stage(name, reranker, parameters, reranks=before[-1]["name"])]
    if "retrievers" in settings and "fusion" in settings:
        parts = {part: stages(part, inner) for part, inner in settings["retrievers"].items()}
        before = [stage for part in parts.values() for stage in part]
        fusion = settings["fusion"]
        parameters = {**_parameters(fusion), "depth": settings.get("depth")}
        return [*before, _stage(name, fusion, parameters, interpolates=list(parts))]
    method = settings.get("index", {}).get("similarity") or settings.get("index") or settings
    return [_stage(name, method, _parameters(settings))]


def indexing(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Tokenizer, stemmer and stop words of the one analyzer there is; empty where there is none, or more than one."""
    found = {repr(a): a for a in _analyzers(settings)}
    if len(found) != 1:
        return {}
    analyzer = next(iter(found.values()))
    entries = {
        "tokenizer": analyzer["class"],
        "stemmer": analyzer.get("stemmer"),
        "stopwords": analyzer.get("stop_words"),
    }
    return {name: value for name, value in entries.items() if value is not None}


def _stage(name: str, method: Mapping[str, Any], parameters: Mapping[str, Any], **links: Any) -> dict[str, Any]:
    params = {key: value for key, value in parameters.items() if value not in (None, {}, [])}
    return {"name": name, "method": method.get("class", name), **({"params": params} if params else {}), **links}


def _parameters(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != "class"}


def _analyzers(settings: Any) -> list[Mapping[str, Any]]:
    if not isinstance(settings, Mapping):
        return []
    own = [settings["analyzer"]] if isinstance(settings.get("analyzer"), Mapping) else []
    return own + [found for key, inner in settings.items() if key != "analyzer" for found in _analyzers(inner)]
