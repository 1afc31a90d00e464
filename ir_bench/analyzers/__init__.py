"""Text to terms: each analyzer has `analyze(text) -> list[str]` and `count(texts) -> TermCounts`."""
