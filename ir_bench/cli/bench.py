"""`ir-bench bench`: speed as a ratio to peers in the same run, at equal quality."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ir_bench.cli.compose import part

app = typer.Typer(help="Speed against peers, measured in the same run at equal quality.", no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Speed against peers, measured in the same run at equal quality."""


@app.command()
def bm25(
    datasets: Annotated[str, typer.Option(help="Names from `ir-bench datasets`, with commas.")] = (
        "beir/scifact,beir/nfcorpus,vaswani,miracl-yo"
    ),
    size: Annotated[int, typer.Option(help="Passages recombined from these as a further collection; 0: none.")] = (
        500_000
    ),
    repeats: Annotated[int, typer.Option(help="Measurements of which the median counts.")] = 5,
    results: Annotated[Path, typer.Option(help="Where bench/bm25.json and bench/bm25.md are written.")] = Path(
        "results"
    ),
) -> None:
    """Our BM25 against bm25s (numba) and Pyserini: analysis, indexing, memory, queries per second, equal results.

    A quick look: `ir-bench bench bm25 --datasets beir/scifact --size 0 --repeats 2`
    """
    from ir_bench.benchmarks.bm25 import bm25 as measure

    measure({name: part("dataset", name).load() for name in datasets.split(",")}, results, size, repeats)


@app.command("multi-vector")
def multi_vector(
    datasets: Annotated[str, typer.Option(help="Names from `ir-bench datasets`, with commas.")] = (
        "beir/scifact,beir/nfcorpus,vaswani,miracl-yo"
    ),
    encoder: Annotated[str, typer.Option(help="A choice of the encoders with token vectors.")] = "minilm_tokens",
    size: Annotated[
        int, typer.Option(help="Spans of these' tokens as passages of a further collection, 128 dims; 0: none.")
    ] = 200_000,
    repeats: Annotated[int, typer.Option(help="Measurements of which the median counts.")] = 5,
    peers: Annotated[
        str, typer.Option(help="Python interpreters that have fastembed, muvera-python or fast-plaid.")
    ] = "",
    peer_timeout: Annotated[float, typer.Option(help="Seconds after which a peer without a result is ended.")] = 600,
    passages: Annotated[
        int, typer.Option(help="Of a larger collection the first ones are measured, without nDCG.")
    ] = 12_000,
    parts: Annotated[
        str,
        typer.Option(
            help="Measure only these again, with commas: rerank, pool, scan, search, encode, query encoding. "
            "The other parts stay as they are in the results.",
            show_default="all",
        ),
    ] = "",
    results: Annotated[Path, typer.Option(help="Where bench/multi-vector.json and .md are written.")] = Path("results"),
) -> None:
    """MaxSim reranking and MUVERA against padded torch, sentence-transformers, fastembed, faiss, fast-plaid.

    A quick look: `ir-bench bench multi-vector --datasets beir/nfcorpus --size 0 --repeats 2`
    """
    from ir_bench.benchmarks.multi_vector import PARTS
    from ir_bench.benchmarks.multi_vector import multi_vector as measure
    from ir_bench.cli.compose import cache_folder
    from ir_bench.store import Store

    measure(
        {name: part("dataset", name).load() for name in datasets.split(",")},
        part("encoder", encoder),
        Store(cache_folder(None)),
        results,
        size,
        repeats,
        [python for python in peers.split(",") if python],
        peer_timeout=peer_timeout,
        passages=passages,
        parts=[each.strip() for each in parts.split(",")] if parts else PARTS,
    )


@app.command()
def sparse(
    vectors: Annotated[str, typer.Option(help="Folder of docs.jsonl and queries.SPLIT.jsonl, also .gz.")] = (
        "nfcorpus-splade-v3"
    ),
    documents: Annotated[int, typer.Option(help="Vectors crossed from these as a further collection; 0: none.")] = (
        500_000
    ),
    repeats: Annotated[int, typer.Option(help="Measurements of which the median counts.")] = 5,
    peers: Annotated[str, typer.Option(help="With commas.")] = "scipy,sentence-transformers,seismic,lucene",
    results: Annotated[Path, typer.Option(help="Where bench/sparse.json and .md are written.")] = Path("results"),
) -> None:
    """Exact and approximate search of learned sparse vectors against scipy, Seismic, Lucene, sentence-transformers.

    A quick look: `ir-bench bench sparse --documents 0 --repeats 2`
    """
    from ir_bench.benchmarks.sparse import sparse as measure
    from ir_bench.datasets.sparse_vectors import SparseVectors
    from ir_bench.types import Sparse

    source = SparseVectors(vectors)
    given, queries = (Sparse.of([bag for _, bag in texts]) for texts in (source.documents(), source.queries()))
    measure(Path(vectors).name, given, queries, results, documents, repeats, peers.split(","))
