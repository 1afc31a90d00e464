"""How every published table is written: a module for each family of sources."""

from __future__ import annotations

from reference_tables.lexical import TABLES as LEXICAL
from reference_tables.mteb import TABLES as MTEB
from reference_tables.papers_beir import TABLES as PAPERS_BEIR
from reference_tables.papers_msmarco import TABLES as PAPERS_MSMARCO
from reference_tables.papers_sparse_and_late import TABLES as PAPERS_SPARSE_AND_LATE
from reference_tables.toolkits_beir import TABLES as TOOLKITS_BEIR
from reference_tables.toolkits_msmarco import TABLES as TOOLKITS_MSMARCO

TABLES = TOOLKITS_BEIR | TOOLKITS_MSMARCO | PAPERS_BEIR | PAPERS_SPARSE_AND_LATE | PAPERS_MSMARCO | MTEB | LEXICAL
