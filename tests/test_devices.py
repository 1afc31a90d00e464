import pytest
import torch

from ir_bench import devices
from ir_bench.devices import found, named
from ir_bench.errors import InputError


@pytest.mark.parametrize("there", [True, False])
def test_auto_is_a_gpu_where_there_is_one(there, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert named("auto") == ("cuda" if there else "cpu")
    assert named("cuda:1") == "cuda:1"


def test_a_device_is_found_by_its_name():
    assert found("cpu") == torch.device("cpu")


@pytest.mark.parametrize("setting", ["gpu", "cuda:99", "hpu", "meta", None])
def test_a_device_that_is_not_there_is_an_error(setting):
    with pytest.raises(InputError, match=f"torch has no device {setting!r} here: .*\n.*accelerator.*\n.*device=cpu"):
        found(setting)


@pytest.mark.parametrize(
    ("setting", "rank", "expected"),
    [("auto", None, "cuda"), ("auto", "1", "cuda:1"), ("cpu", "1", "cpu"), ("cuda:0", "1", "cuda:0")],
)
def test_a_process_takes_its_own_gpu(monkeypatch, setting, rank, expected):
    asked = []
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr(devices, "found", asked.append)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("LOCAL_RANK", rank)
    devices.of_process(setting)
    assert asked == [expected]
