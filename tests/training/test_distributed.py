"""Training in two processes, as torchrun starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path

from training.test_fit import fit, stage
from ir_bench.training.architectures.bi_encoder import BiEncoder
from ir_bench.training.architectures.two_tower import TwoTower

folder, model, learns, size = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
of = stage(learns=learns, steps=4, validate_every=2, mini_batch_size=int(size) or None)
manifest = fit(folder, model, TwoTower() if learns == "head" else BiEncoder(), of).run()
assert manifest["stages"]["only"]["steps"] == 4
"""


@pytest.mark.slow
@pytest.mark.parametrize(("learns", "mini_batch_size"), [("head", 0), ("all", 0), ("all", 2)])
def test_two_processes_train_one_model(
    tmp_path: Path, checkpoint: Callable[..., Path], learns: str, mini_batch_size: int
) -> None:
    from sentence_transformers import SentenceTransformer

    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    tests = str(Path(__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": tests, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*command, str(tmp_path), str(checkpoint()), learns, str(mini_batch_size)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(SentenceTransformer(str(tmp_path / "out"), device="cpu").encode(["cat"])) == 1
    assert not (tmp_path / "out" / "checkpoints").exists()
