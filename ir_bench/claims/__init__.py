"""What papers report against what was measured: tables, claims and their verdicts, computed and never typed."""
