import pytest

from harness.models.devices import visible_devices
from harness.models.spec import ModelSpec
from harness.sweep.devices import to_share


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("0,1", ("0", "1")),
        ("GPU-8a1, MIG-3f", ("GPU-8a1", "MIG-3f")),
        ("", ()),
        ("-1", ()),
        ("1,-1,0", ("1",)),
    ],
)
def test_the_variable_says_which_devices_there_are(monkeypatch, tmp_path, named, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    (tmp_path / "nvidia0").touch()
    assert visible_devices(tmp_path) == expected


def test_without_it_the_device_files_are_counted(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert visible_devices(tmp_path) == ("0", "1")


def test_a_model_on_the_cpu_or_on_all_devices_at_once_shares_none(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert to_share(ModelSpec(path="m")) == (("0",), ("1",))
    assert to_share(ModelSpec(path="m", device="cpu")) == ()
    assert to_share(ModelSpec(path="m", device_map="auto")) == ()


def test_a_trial_of_several_processes_has_as_many_devices(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3,4")
    assert to_share(ModelSpec(path="m"), each=2) == (("0", "1"), ("2", "3"))
    assert to_share(ModelSpec(path="m"), each=8) == ()
