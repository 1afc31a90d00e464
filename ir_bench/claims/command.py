"""A cell's command in one line: `dataset=beir/scifact retriever=bm25 retriever.index.similarity.k1=1.2`."""

from __future__ import annotations

import re
import shlex


def split(command: str) -> list[str]:
    """The overrides of a command. Blanks inside quotes belong to a value, and quotes stay, because Hydra reads them:
    `encoder.query_prompt='query: '` is one override."""
    return re.findall(r"""(?:[^\s'"]|'[^']*'|"[^"]*")+""", command)


def in_shell(command: str) -> str:
    """The command as it is typed in a shell."""
    return shlex.join(split(command))
