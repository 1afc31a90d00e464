#!/usr/bin/env python3
"""Keep the head of a model that `ir-bench train` wrote as one that this package carries (`head:NAME`).

.venv/bin/python scripts/carry_head.py models/minilm-dpr minilm_dpr
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from ir_bench import models
from ir_bench.heads import Head, parts_of

LIMIT = 8 * 1024 * 1024  # bytes of all heads together


def main(trained: Path, name: str) -> None:
    Head.load(str(trained))  # raises where there is none
    place = models.HEADS / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for file in ("modules.json", "config_sentence_transformers.json", "training.json"):
        shutil.copyfile(trained / file, place / file)
    for entry in parts_of(trained):
        shutil.copytree(trained / entry["path"], place / entry["path"], dirs_exist_ok=True)
    together = sum(path.stat().st_size for path in models.HEADS.rglob("*") if path.is_file())
    print(f"{place}: {sum(p.stat().st_size for p in place.rglob('*') if p.is_file()):,} bytes; all heads {together:,}")
    for stage, record in json.loads((place / "training.json").read_text(encoding="utf-8"))["stages"].items():
        (_, before), *_, (steps, after) = record["validation"]
        print(f"  {stage}: nDCG@10 on held-out queries {before:.4f} before, {after:.4f} after {steps} steps")
    if together > LIMIT:
        sys.exit(f"all heads take {together:,} bytes, more than {LIMIT:,}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2])
