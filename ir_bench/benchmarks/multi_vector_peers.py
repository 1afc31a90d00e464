"""Peers of multi-vector retrieval, each run by the Python of an environment that has it: `python FILE PEER FOLDER`.

Imports nothing of this project. Reads `document_tokens.npy` [tokens, dims], `document_offsets.npy`, `query_tokens.npy`
and `query_offsets.npy` of the folder, works on one core, and prints one line of JSON.
"""

import itertools
import json
import os
import shutil
import sys
import time
from importlib import metadata
from pathlib import Path

REPETITIONS, HYPERPLANES, COLUMNS = 20, 5, 16
ENCODED = 100  # documents of which the encoding is timed
ASKED, SINGLE, BATCH = 100, 20, 32  # queries asked, of these one at a time, and together


def use_one_core() -> None:
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", RAYON_NUM_THREADS="1")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def clocked(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def sets(folder: Path, name: str) -> list:
    import numpy as np

    values = np.load(folder / f"{name}_tokens.npy", mmap_mode="r")
    offsets = np.load(folder / f"{name}_offsets.npy")
    return [np.array(values[a:b], np.float32) for a, b in itertools.pairwise(offsets)]


def fastembed(folder: Path) -> dict:
    from fastembed.postprocess import Muvera

    documents = [d for d in sets(folder, "document")[: 2 * ENCODED] if len(d)][:ENCODED]
    encoder = Muvera(documents[0].shape[1], k_sim=HYPERPLANES, dim_proj=COLUMNS, r_reps=REPETITIONS)
    encoder.process_document(documents[0])
    seconds = clocked(lambda: [encoder.process_document(d) for d in documents])
    return {"encode_docs_per_s": len(documents) / seconds, "version": metadata.version("fastembed")}


def muvera_python(folder: Path) -> dict:
    from muvera import Muvera

    documents = [d for d in sets(folder, "document")[: 2 * ENCODED] if len(d)][:ENCODED]
    encoder = Muvera(
        REPETITIONS, HYPERPLANES, documents[0].shape[1], projection_type="ams_sketch", projection_dimension=COLUMNS
    )
    encoder.encode_documents(documents[:2])
    seconds = clocked(lambda: encoder.encode_documents(documents))
    return {"encode_docs_per_s": len(documents) / seconds, "version": metadata.version("muvera-python")}


def fast_plaid(folder: Path) -> dict:
    """Search of the best 10 with its default 4 bits and 8 probed lists, on the CPU, `low_memory` off."""
    import torch
    from fast_plaid import search

    torch.set_num_threads(1)
    documents = [torch.from_numpy(d) for d in sets(folder, "document")]
    queries = [torch.from_numpy(q)[None] for q in sets(folder, "query")[:ASKED]]
    rows = [i for i, d in enumerate(documents) if len(d)]
    place = folder / "fast-plaid"
    shutil.rmtree(place, ignore_errors=True)
    index = search.FastPlaid(index=str(place), device="cpu", low_memory=False)
    build = clocked(lambda: index.create(documents_embeddings=[documents[i] for i in rows]))
    index.search(queries_embeddings=queries[0], top_k=10)
    single = clocked(lambda: [index.search(queries_embeddings=q, top_k=10) for q in queries[:SINGLE]])
    padded = torch.nn.utils.rnn.pad_sequence([q[0] for q in queries], batch_first=True)  # zeros add nothing
    hits = []

    def ask() -> None:
        for i in range(0, len(padded), BATCH):
            hits.extend(index.search(queries_embeddings=padded[i : i + BATCH], top_k=10))

    batch = clocked(ask)
    return {
        "single_queries_per_s": len(queries[:SINGLE]) / single,
        "batch_queries_per_s": len(queries) / batch,
        "build_s": build,
        "hits": [[[rows[row], score] for row, score in found] for found in hits],
        "version": metadata.version("fast-plaid"),
    }


PEERS = {"fastembed": fastembed, "muvera-python": muvera_python, "fast-plaid": fast_plaid}

if __name__ == "__main__":
    use_one_core()
    print(json.dumps(PEERS[sys.argv[1]](Path(sys.argv[2]))))
