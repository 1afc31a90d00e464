"""`ir-bench explain`: why documents match a query."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ir_bench.cli.compose import build, cache_folder, compose, expand
from ir_bench.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from ir_bench.types import Alignment, Corpus, Match

Why = Mapping[str, Any]  # document → its matches, or an alignment


def explain(
    settings: Annotated[
        list[str] | None, typer.Argument(help="dataset=… retriever=… and their settings, as for `run`.")
    ] = None,
    query: Annotated[str, typer.Option(help="A query's id in the dataset, or a text.")] = ...,  # type: ignore[assignment]
    document: Annotated[list[str] | None, typer.Option(help="Document ids; the best three unless given.")] = None,
    retriever: Annotated[str | None, typer.Option(help="The same as retriever=…")] = None,
    dataset: Annotated[str | None, typer.Option(help="The same as dataset=…")] = None,
    granularity: Annotated[
        Literal["document", "sentence"],
        typer.Option(help="sentence: score each sentence by its tokens among the document's (late interaction)."),
    ] = "document",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON instead of tables.")] = False,
    cache: Annotated[Path | None, typer.Option(help="Where encodings and indexes are kept.")] = None,
) -> None:
    """Why documents match: terms with their weights in query and document, their products, and expansion terms marked.

    Late interaction shows for each query token the document token that it matched, or that its score was imputed, as
    indexes do that compare few tokens; with `--granularity sentence`, the sentences of each document instead, best
    first, each scored with its own tokens alone.

    Examples:

    `ir-bench explain dataset=beir/nfcorpus retriever=bm25 --query "statins and breast cancer" --document MED-10`

    `ir-bench explain --dataset beir/nfcorpus --retriever precomputed_sparse --query PLAIN-2 --json`
    """
    from ir_bench.store import Store

    named = [f"{key}={value}" for key, value in (("dataset", dataset), ("retriever", retriever)) if value]
    config = compose(expand([*named, *(settings or [])]))
    data, made = build(config.dataset), build(config.retriever)
    if hasattr(data, "members"):
        raise InputError(f"{data.name} has several parts", f"one of: {', '.join(data.members)}", "name it as dataset=…")
    loaded = data.load()
    corpus, text = loaded.corpus, query if " " in query else loaded.queries.get(query, query)
    why = explainer(made)
    made.build(corpus, Store(cache_folder(str(cache) if cache else None)))
    documents = list(document or made.search({"query": text}, 3)["query"].documents)
    texts = contents(corpus, documents)
    reasons = why(text, documents, texts)
    if granularity == "sentence":
        found = [by_sentence(name, texts[name], reason) for name, reason in reasons.items()]
    else:
        found = [_plain(name, texts[name], reason) for name, reason in reasons.items()]
    if as_json:
        print(json.dumps({"query": text, "documents": found}, ensure_ascii=False, indent=1))
        return
    from rich.console import Console

    console = Console()
    console.print(text, style="bold", markup=False)
    for one in found:
        console.print(_sentences(one) if granularity == "sentence" else _table(one))


def explainer(retriever: Any) -> Callable[[str, Sequence[str], Mapping[str, str] | None], Why]:
    """Asks a retriever why documents match: token by token where it compares tokens, else term by term.

    Takes the query, document ids and, where there are any, the documents' texts. Raises InputError for a retriever that
    cannot tell.
    """
    from ir_bench.protocols import Comparing, Explaining
    from ir_bench.types import MultiVector

    scorer = getattr(retriever, "reranker", retriever)  # of a search in two steps
    if isinstance(scorer, Comparing) and scorer.aligns:
        return lambda query, documents, texts: scorer.align(query, documents)
    if not hasattr(retriever, "explain") or not isinstance(getattr(retriever, "index", retriever), Explaining):
        index = getattr(retriever, "index", None)
        of_tokens = getattr(index, "accepts", None) is MultiVector
        raise InputError(
            f"{type(index if of_tokens else retriever).__name__} cannot tell why a document matches",
            "a retriever of terms or tokens, such as bm25, splade or colbert",
            "explain index=plaid, or index=maxsim" if of_tokens else "explain one that it is made of",
        )
    return lambda query, documents, texts: retriever.explain(query, documents, texts)


def contents(corpus: Corpus, documents: Sequence[str]) -> dict[str, str]:
    """The texts of some documents, as they are searched. Raises InputError for one that is not in the corpus."""
    wanted, texts = set(documents), dict[str, str]()
    for document in corpus:
        if document.id in wanted:
            texts[document.id] = corpus.contents(document)
            if len(texts) == len(wanted):
                break
    for name in documents:
        if name not in texts:
            raise InputError(f"document {name!r} is not in {corpus.name}", "an id of the corpus", "check the spelling")
    return texts


def by_sentence(name: str, text: str, why: Any) -> dict[str, Any]:
    """The sentences of a document, best first, with the MaxSim of the query with the tokens of each.

    `tokens` are the first and the one after the last. Sentences none of whose tokens was compared, those beyond the
    encoder's limit for example, have no score and come last. Raises InputError for what is no alignment of tokens that
    have names.
    """
    from ir_bench.kernels.spans import token_spans
    from ir_bench.training.sentences import sentences
    from ir_bench.types import Alignment

    parts = sentences(text)
    if not isinstance(why, Alignment):
        raise InputError(
            "the retriever does not compare tokens", "late interaction, such as colbert", "leave out --granularity"
        )
    if list(why.document_terms) == [f"#{n + 1}" for n in range(len(why.document_terms))]:
        raise InputError(
            "the token vectors do not say of which tokens they are",
            "vectors of single tokens",
            "explain without transforms that pool tokens",
        )
    found = []
    for part, (start, end) in zip(parts, token_spans(why.document_terms, parts).tolist(), strict=True):
        matches = why.within(start, end).matches()
        score = sum(match.score for match in matches) if matches else None
        found.append({"text": part, "tokens": [start, end], "score": score})
    found.sort(key=lambda one: -math.inf if one["score"] is None else one["score"], reverse=True)
    return {"document": name, "text": text, "score": sum(m.score for m in why.matches()), "sentences": found}


def _sentences(found: Mapping[str, Any]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(f"{found['document']}  {found['score']:.6g}"), title_justify="left", title_style="")
    table.add_column("sentence")
    table.add_column("scores", justify="right")
    for one in found["sentences"]:
        table.add_row(escape(one["text"]), "–" if one["score"] is None else f"{one['score']:.6g}")
    return table


def _plain(name: str, text: str, why: Sequence[Match] | Alignment) -> dict[str, Any]:
    from ir_bench.types import Alignment

    matches = why.matches() if isinstance(why, Alignment) else list(why)
    return {
        "document": name,
        "text": text,
        "score": sum(match.score for match in matches),
        "matches": [
            {
                "term": match.term,
                "query_weight": match.query_weight,
                "document_weight": match.document_weight,
                "score": match.score,
                **({} if match.document_term is None else {"document_term": match.document_term}),
                **({"imputed": True} if match.imputed else {}),
                **({} if match.added_to is None else {"added_to": list(match.added_to)}),
            }
            for match in matches
        ],
    }


def _table(found: Mapping[str, Any]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    text = " ".join(found["text"].split())
    title = f"{found['document']}  {found['score']:.6g}\n{text[:150]}{'…' if len(text) > 150 else ''}"
    table = Table(title=escape(title), title_justify="left", title_style="")
    matches, tokens = found["matches"], any(match.keys() & {"document_term", "imputed"} for match in found["matches"])
    marked = any(match.get("added_to") for match in matches)
    columns = ["token", "matched", "adds"] if tokens else ["term", "in query", "in document", "adds"]
    for column in columns + (["expansion of"] if marked else []):
        table.add_column(column, justify="left" if column in ("term", "token", "matched", "expansion of") else "right")
    for match in matches:
        weights = [f"{match[key]:.6g}" for key in ("query_weight", "document_weight")]
        matched = match.get("document_term", "(imputed)" if "imputed" in match else "")
        cells = [match["term"], *([matched] if tokens else weights), f"{match['score']:.6g}"]
        table.add_row(*map(escape, [*cells, *([", ".join(match["added_to"])] if marked else [])]))
    return table
