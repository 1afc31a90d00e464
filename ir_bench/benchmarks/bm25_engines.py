"""The engines that the BM25 benchmark compares, each measured in a process of its own, on one processor core."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from ir_bench.memory import peak_memory
from ir_bench.shards import arrays_of, read, write_arrays
from ir_bench.types import Corpus, Document, Sparse, Strings

K1, B = 0.9, 0.4
DEPTHS = (10, 1000)
Row = dict[str, Any]


def use_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def read_lines(path: Path) -> list[str]:
    with open(path, encoding="utf-8", newline="\n") as lines:
        return [json.loads(line) for line in lines]


def write_lines(path: Path, texts: Any) -> int:
    count = 0
    with open(path, "w", encoding="utf-8", newline="\n") as lines:
        for text in texts:
            lines.write(json.dumps(text) + "\n")
            count += 1
    return count


def analyzer_for(folder: Path) -> Any:
    from ir_bench.analyzers.lucene_english import LuceneEnglish
    from ir_bench.analyzers.whitespace import Whitespace

    return Whitespace() if (folder / "whitespace").exists() else LuceneEnglish()


def clocked(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def build_ours(folder: Path, repeats: int) -> Row:
    """Analysis and index of this project; leaves the bags of terms for the others and the index for the search."""
    from ir_bench.encoders.lexical import LexicalEncoder
    from ir_bench.indexes.inverted import InvertedIndex
    from ir_bench.similarities.lucene import LuceneBM25

    use_one_core()
    encoder = LexicalEncoder(analyzer_for(folder))
    InvertedIndex(LuceneBM25(K1, B)).build(encoder.encode_documents(["compiled before the clock starts"]))
    texts = read_lines(folder / "texts.jsonl")
    analysis, index = [], []
    with peak_memory() as peak:
        for _ in range(repeats):
            seconds, bags = clocked(lambda: encoder.encode_documents(texts))
            analysis.append(seconds)
            ours = InvertedIndex(LuceneBM25(K1, B))
            seconds, _ = clocked(lambda: ours.build(bags))  # noqa: B023
            index.append(seconds)
    write_arrays(folder / "bags", arrays_of(bags))
    (folder / "ours").mkdir()
    ours.save(folder / "ours")
    return {"analysis_s": median(analysis), "index_s": median(index), "peak_bytes": peak["bytes"]}


def build_bm25s(folder: Path, repeats: int) -> Row:
    """Analysis by bm25s.tokenize, with PyStemmer; index of the same terms as ours."""
    import bm25s

    use_one_core()
    if (folder / "whitespace").exists():
        settings: dict[str, Any] = {"token_pattern": r"\S+", "lower": False, "stopwords": None}
    else:
        import Stemmer

        settings = {"stopwords": "en", "stemmer": Stemmer.Stemmer("english")}
    with peak_memory() as peak:
        analysis = _bm25s_from_texts(folder, settings, repeats)
    index = []
    tokens = (token_ids(bags := read(Sparse, folder / "bags")), {t: i for i, t in enumerate(bags.vocabulary)})
    for _ in range(repeats):
        theirs = bm25s.BM25(method="atire", k1=K1, b=B, backend="numba")
        seconds, _ = clocked(lambda: theirs.index(tokens, show_progress=False))  # noqa: B023
        index.append(seconds)
    np.savez(folder / "bm25s.npz", **{name: theirs.scores[name] for name in ("data", "indices", "indptr")})
    return {"analysis_s": median(analysis), "index_s": median(index), "peak_bytes": peak["bytes"]}


def _bm25s_from_texts(folder: Path, settings: dict[str, Any], repeats: int) -> list[float]:
    """As its users go from texts to an index; returns the seconds of each analysis."""
    import bm25s

    texts, analysis = read_lines(folder / "texts.jsonl"), []
    for _ in range(repeats):
        seconds, tokens = clocked(lambda: bm25s.tokenize(texts, show_progress=False, **settings))
        analysis.append(seconds)
    bm25s.BM25(method="atire", k1=K1, b=B, backend="numba").index(tokens, show_progress=False)
    return analysis


def build_pyserini(folder: Path, repeats: int) -> Row:
    """Analysis and index in one, by Lucene; Java's memory is in the process's."""
    from ir_bench.store import Store

    use_one_core()
    corpus, seconds = _corpus("texts", read_lines(folder / "texts.jsonl")), []
    _lucene(folder, _corpus("warm-up", ["started before the clock does"]), Store(folder / "lucene"))
    with peak_memory() as peak:
        for _ in range(repeats):
            shutil.rmtree(folder / "lucene", ignore_errors=True)
            seconds.append(clocked(lambda: _lucene(folder, corpus, Store(folder / "lucene")))[0])
    return {"together_s": median(seconds), "peak_bytes": peak["bytes"]}


def _corpus(name: str, texts: Sequence[str]) -> Corpus:
    documents = [Document(f"{row:09}", text) for row, text in enumerate(texts)]
    return Corpus(name, f"{name}-{len(texts)}", lambda: iter(documents), len(documents))


def _lucene(folder: Path, corpus: Corpus, store: Any) -> Any:
    from ir_bench.retrievers.lucene_bm25 import Lucene

    retriever = Lucene(K1, B, analyzer="whitespace" if (folder / "whitespace").exists() else "english")
    retriever.build(corpus, store)
    return retriever


def token_ids(bags: Sparse) -> list[list[int]]:
    """The terms of each text, as often as they occur."""
    counts = bags.weights.astype(np.int64)
    flat = np.repeat(bags.terms, counts)
    ends = np.concatenate([[0], np.cumsum(counts)])[bags.offsets]
    return [flat[a:b].tolist() for a, b in itertools.pairwise(ends)]


def in_numbers_of(vocabulary: Strings, bags: Sparse) -> Sparse:
    """The same bags over another vocabulary, without the terms it lacks."""
    numbers = {term: number for number, term in enumerate(vocabulary)}
    terms = np.array([numbers.get(term, -1) for term in bags.vocabulary], np.int32)[bags.terms]
    offsets = np.concatenate([[0], np.cumsum(terms >= 0)])[bags.offsets]
    return Sparse(terms[terms >= 0], bags.weights[terms >= 0], offsets, vocabulary)


def search_bags(folder: Path, repeats: int) -> Row:
    """From bags of the index's term numbers to rows: queries per second, ours and bm25s with its numba kernel."""
    from ir_bench.encoders.lexical import LexicalEncoder
    from ir_bench.indexes.inverted import InvertedIndex
    from ir_bench.similarities.atire import AtireBM25

    use_one_core()
    documents = read(Sparse, folder / "bags")
    encoder = LexicalEncoder(analyzer_for(folder))
    bags = in_numbers_of(documents.vocabulary, encoder.encode_queries(read_lines(folder / "queries.jsonl")))
    ours = _our_index(folder)
    engines: dict[str, Callable[[int], Any]] = {"ours": lambda k: ours.search(bags, k)}
    checks = {}
    if (folder / "bm25s.npz").exists():
        from bm25s.numba.retrieve_utils import _retrieve_numba_functional

        count = len(documents)
        scores: dict[str, Any] = dict(np.load(folder / "bm25s.npz")) | {"num_docs": count}
        asked = [np.array(query, np.int32) for query in token_ids(bags)]
        engines["bm25s"] = lambda k: _retrieve_numba_functional(
            asked, scores, k=min(k, count), show_progress=False, n_threads=1
        )
        same_formula = InvertedIndex(AtireBM25(K1, B))
        same_formula.build(documents)
        checks["bm25s"] = agree_closely(same_formula.search(bags, 1000).scores, engines["bm25s"](1000)[1])
    return {"rates": take_turns("search", engines, len(bags), repeats), "checks": checks}


def answer_texts(folder: Path, repeats: int) -> Row:
    """From texts to ranked ids, analysis included: queries per second, ours and Pyserini."""
    from ir_bench.encoders.lexical import LexicalEncoder
    from ir_bench.indexes.inverted import InvertedIndex
    from ir_bench.retrievers.vector import VectorRetriever
    from ir_bench.similarities.lucene import LuceneBM25
    from ir_bench.store import Store

    use_one_core()
    queries = {str(i): text for i, text in enumerate(read_lines(folder / "queries.jsonl"))}
    corpus = _corpus("texts", read_lines(folder / "texts.jsonl"))
    ours = VectorRetriever(LexicalEncoder(analyzer_for(folder)), InvertedIndex(LuceneBM25(K1, B)), ties="lucene")
    ours.build(corpus, Store(folder / "store"))
    engines: dict[str, Callable[[int], Any]] = {"ours": lambda k: ours.search(queries, k)}
    checks = {}
    if (folder / "lucene").exists():
        theirs = _lucene(folder, corpus, Store(folder / "lucene"))
        engines["pyserini"] = lambda k: theirs.search(queries, k)
        checks["pyserini"] = agree_exactly(engines["ours"](1000), engines["pyserini"](1000))
    return {"rates": take_turns("answer", engines, len(queries), min(repeats, 3)), "checks": checks}


def take_turns(kind: str, engines: dict[str, Callable[[int], Any]], queries: int, repeats: int) -> dict[str, float]:
    """Queries per second by `engine kind k`: each engine in turn, once to warm the caches, then by the clock."""
    rates: dict[str, float] = {}
    for k in DEPTHS:
        seconds: dict[str, list[float]] = {name: [] for name in engines}
        for _ in range(repeats):
            for name, work in engines.items():
                work(k)
                start = time.perf_counter()
                work(k)
                seconds[name].append(time.perf_counter() - start)
        rates |= {f"{name} {kind} {k}": queries / median(times) for name, times in seconds.items()}
    return rates


def _our_index(folder: Path) -> Any:
    from ir_bench.indexes.inverted import InvertedIndex
    from ir_bench.similarities.lucene import LuceneBM25

    index = InvertedIndex(LuceneBM25(K1, B))
    index.load(folder / "ours")
    return index


def agree_closely(ours: np.ndarray, theirs: np.ndarray) -> str:
    """Whether every list of scores is the same to float32 tolerance; theirs fills short lists with zeros."""
    ours = np.where(np.isfinite(ours), ours, 0)
    close = np.isclose(ours, theirs, rtol=1e-5, atol=1e-5)
    return f"{ours.size:,} scores equal to 1e-5" if close.all() else f"{np.count_nonzero(~close):,} scores differ"


def agree_exactly(ours: Any, theirs: Any) -> str:
    """Whether every document, its rank and its float32 score are the same."""
    differing = sum(ours[query] != theirs[query] for query in theirs)
    if differing:
        return f"{differing:,} of {len(theirs):,} rankings differ"
    return f"{sum(len(theirs[query]) for query in theirs):,} hits equal: documents, ranks, float32 scores"


def installed(*packages: str) -> bool:
    return all(importlib.util.find_spec(package) for package in packages)
