"""What the contract suite walks: every choice of every configuration group."""

from __future__ import annotations

from ir_bench.cli.compose import CONF, options

NOT_PARTS = {"experiment"}


def every_option() -> list[tuple[str, str]]:
    groups = sorted(p.name for p in CONF.iterdir() if p.is_dir() and p.name not in NOT_PARTS)
    return [(group, option) for group in groups for option in options(group)]


__all__ = ["CONF", "every_option", "options"]
