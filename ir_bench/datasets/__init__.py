"""Where corpora, queries and judgments come from: sources with `load() -> types.Dataset`, read when they are used."""
