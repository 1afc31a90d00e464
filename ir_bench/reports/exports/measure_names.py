"""Measure names of other tools: ours to theirs and back, None where a tool has no such measure."""

from __future__ import annotations

import re
from collections.abc import Mapping

_OURS = re.compile(r"(?P<kind>[A-Za-z]+)(?:\(rel=(?P<rel>\d+)\))?(?:@(?P<cutoff>\d+))?")

TREC_EVAL = {"nDCG": "ndcg_cut", "AP": "map_cut", "R": "recall", "P": "P", "Success": "success"}
MTEB = {"nDCG": "ndcg", "AP": "map", "R": "recall", "P": "precision", "RR": "mrr", "Success": "hit_rate"}
RANX = {"nDCG": "ndcg", "AP": "map", "R": "recall", "P": "precision", "RR": "mrr", "Success": "hit_rate"}


def to_trec_eval(name: str) -> str | None:
    """ "nDCG@10" -> "ndcg_cut_10"; measures with their own `rel` have no name there."""
    whole = {"AP": "map", "RR": "recip_rank", "nDCG": "ndcg", "Rprec": "Rprec", "Bpref": "bpref"}
    kind, rel, cutoff = _parts(name)
    if rel is not None:
        return None
    if cutoff is None:
        return whole.get(kind)
    return f"{TREC_EVAL[kind]}_{cutoff}" if kind in TREC_EVAL else None


def to_mteb(name: str) -> str | None:
    """ "nDCG@10" -> "ndcg_at_10"."""
    kind, rel, cutoff = _parts(name)
    return f"{MTEB[kind]}_at_{cutoff}" if kind in MTEB and cutoff is not None and rel is None else None


def from_mteb(key: str) -> str | None:
    """ "ndcg_at_10" -> "nDCG@10"; None for main_score, abstention curves and the like."""
    found = re.fullmatch(r"([a-z_]+)_at_(\d+)", key)
    kinds = {theirs: ours for ours, theirs in MTEB.items()}
    return f"{kinds[found[1]]}@{found[2]}" if found is not None and found[1] in kinds else None


def to_ranx(name: str, threshold: int = 1) -> str | None:
    """ "R@100" -> "recall@100", with "-l2" where relevance begins at grade 2 (nDCG has no threshold)."""
    kind, rel, cutoff = _parts(name)
    if kind not in RANX:
        return None
    level = threshold if rel is None else int(rel)
    at = "" if cutoff is None else f"@{cutoff}"
    return RANX[kind] + at + ("" if level == 1 or kind == "nDCG" else f"-l{level}")


def from_ranx(name: str) -> str | None:
    """ "recall@100-l2" -> "R(rel=2)@100"."""
    found = re.fullmatch(r"([a-z_]+)(?:@(\d+))?(?:-l(\d+))?", name)
    kinds = {theirs: ours for ours, theirs in RANX.items()}
    if found is None or found[1] not in kinds:
        return None
    rel = "" if found[3] in (None, "1") else f"(rel={found[3]})"
    return kinds[found[1]] + rel + ("" if found[2] is None else f"@{found[2]}")


def known_to_us(name: str) -> str | None:
    """A column name of PyTerrier: ours as it is, trec_eval's translated ("map" -> "AP")."""
    import ir_measures

    for read in (ir_measures.parse_measure, _trec_measure):
        try:
            return str(read(name))
        except (ValueError, KeyError, NameError, IndexError, SyntaxError):
            continue
    return None


def _trec_measure(name: str) -> object:
    import ir_measures

    return ir_measures.parse_trec_measure(name)[0]


def _parts(name: str) -> tuple[str, str | None, str | None]:
    found: Mapping[str, str | None] | re.Match[str] | None = _OURS.fullmatch(name)
    if found is None:
        return name, None, None
    return str(found["kind"]), found["rel"], found["cutoff"]
