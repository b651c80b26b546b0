"""GPUs and MIG instances found by their UUIDs, with a made-up NVML; what a real one says is for a GPU host."""

from __future__ import annotations

import ctypes
import os
from types import SimpleNamespace
from typing import Any

import pytest

from perfkit.catalog.case import Platform
from perfkit.measure import gpu, machine
from perfkit.measure.watch import GpuWatcher
from perfkit.record.hardware import file_key, same_hardware
from perfkit.record.schema import Hardware

FIRST, SECOND, SLICE = (f"{digit * 8}-0000-0000-0000-000000000000" for digit in "012")
CARD = "NVIDIA H100 80GB HBM3"


class Nvml:
    """Two boards, the second with a MIG instance; clocks are the boards' alone, as in the real one."""

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = range(3)

    class NVMLError(Exception):
        pass

    def __init__(self, *, mig: bool = True) -> None:
        self.handles = {f"GPU-{FIRST}": "board 0", f"GPU-{SECOND}": "board 1"}
        if mig:
            self.handles[f"MIG-{SLICE}"] = "slice"
        self.mig = mig
        self.asked: list[tuple[str, str]] = []

    def nvmlDeviceGetHandleByUUID(self, name: str) -> str:  # noqa: N802 (NVML's names)
        if name not in self.handles:
            raise self.NVMLError("Not Found")
        return self.handles[name]

    def nvmlDeviceIsMigDeviceHandle(self, handle: str) -> ctypes.c_uint:  # noqa: N802
        return ctypes.c_uint(handle == "slice")

    def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(self, handle: str) -> str:  # noqa: N802
        assert handle == "slice"
        return "board 1"

    def nvmlDeviceGetUUID(self, handle: str) -> str:  # noqa: N802
        return next(name for name, found in self.handles.items() if found == handle)

    def nvmlDeviceGetMigMode(self, handle: str) -> list[int]:  # noqa: N802
        if not self.mig:
            raise self.NVMLError("Not Supported")
        return [int(handle == "board 1"), 0]

    def nvmlDeviceGetAttributes_v2(self, handle: str) -> Any:  # noqa: N802
        assert handle == "slice"
        return SimpleNamespace(computeInstanceSliceCount=3, gpuInstanceSliceCount=3, memorySizeMB=40_192)

    def nvmlDeviceGetCpuAffinity(self, handle: str, words: int) -> list[int]:  # noqa: N802
        return ([0b1110] if handle == "board 1" else [0b1]) + [0] * (words - 1)

    def nvmlDeviceGetClockInfo(self, handle: str, _: int) -> int:  # noqa: N802
        return self._of_board(handle, 1980)

    def nvmlDeviceGetTemperature(self, handle: str, _: int) -> int:  # noqa: N802
        return self._of_board(handle, 40)

    def nvmlDeviceGetPowerUsage(self, handle: str) -> int:  # noqa: N802
        return self._of_board(handle, 350_000)

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: str) -> int:  # noqa: N802
        return self._of_board(handle, 0)

    def nvmlDeviceGetPersistenceMode(self, handle: str) -> int:  # noqa: N802
        return self._of_board(handle, 1)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: str) -> list[Any]:  # noqa: N802
        self.asked.append(("processes", handle))
        return []

    def nvmlDeviceGetMemoryInfo(self, handle: str) -> Any:  # noqa: N802
        self.asked.append(("memory", handle))
        return SimpleNamespace(used=2**30)

    def _of_board(self, handle: str, reading: int) -> int:
        if handle == "slice":
            raise self.NVMLError("Not Supported")
        return reading


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Any:
    """PyTorch sees one device of that UUID."""

    def see(device_uuid: str, name: str = CARD, visible: str | None = None) -> Nvml:
        nvml = Nvml()
        properties = SimpleNamespace(uuid=device_uuid, name=name, total_memory=40_192 * 2**20, major=9, minor=0)
        monkeypatch.setattr("torch.cuda.is_available", lambda: True)
        monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
        monkeypatch.setattr("torch.cuda.get_device_properties", lambda _: properties)
        monkeypatch.setattr(machine, "nvml", lambda: Given(nvml))
        if visible is None:
            monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        else:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        return nvml

    return see


class Given:
    def __init__(self, reader: object) -> None:
        self._reader = reader

    def __enter__(self) -> object:
        return self._reader

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("visible", [None, "1", f"GPU-{FIRST}", f"GPU-{SECOND},GPU-{FIRST}"])
def test_a_whole_gpu_is_found_by_what_pytorch_says_however_it_was_chosen(on: Any, visible: str | None) -> None:
    nvml = on(FIRST, visible=visible)
    assert machine.gpu_handle(nvml) == "board 0"
    info = machine.gpu_info()
    assert info is not None
    assert info["name"] == CARD


def test_a_mig_instance_is_found_by_its_own_uuid(on: Any) -> None:
    nvml = on(SLICE, visible=f"MIG-{SLICE}")
    assert machine.gpu_handle(nvml) == "slice"
    assert gpu.board_of(nvml, "slice") == "board 1"
    assert gpu.board_of(nvml, "board 0") == "board 0"


def test_a_driver_that_tells_the_boards_uuid_leaves_what_the_environment_names(on: Any) -> None:
    assert machine.gpu_handle(on(SECOND, visible=f"MIG-{SLICE}")) == "slice"
    assert machine.gpu_handle(on(SECOND, visible="1")) is None  # some instance of it, nobody knows which
    assert machine.gpu_handle(on("3" * 8)) is None


@pytest.mark.parametrize("name", [CARD, f"{CARD} MIG 3g.40gb"])
def test_an_instance_is_hardware_of_its_own(on: Any, name: str) -> None:
    on(SLICE, name=name)
    info = machine.gpu_info()
    assert info is not None
    assert info["name"] == f"{CARD} MIG 3g.40gb"
    memory = machine.memory_gib(info["memory_mib"] * 2**20)
    part = Hardware(platform=Platform.CUDA, name=info["name"], count=1, memory_gib=memory, compute_capability="9.0")
    whole = part.model_copy(update={"name": CARD, "memory_gib": 80})
    assert not same_hardware(part, whole)
    assert not same_hardware(part, whole.model_copy(update={"memory_gib": None}))
    assert file_key(part) == "nvidia-h100-80gb-hbm3-mig-3g-40gb-x1-40gib"


def test_an_instances_clocks_are_its_boards_and_its_processes_its_own(on: Any) -> None:
    nvml = on(SLICE)
    state = machine.momentary_state(Platform.CUDA)
    assert state["gpu_uuid"] == f"MIG-{SLICE}"
    assert (state["gpu_sm_mhz"], state["gpu_power_w"], state["gpu_persistence_mode"]) == (1980, 350, True)
    watcher = GpuWatcher(nvml, "slice")
    assert watcher.look() is None
    assert watcher.seen()["gpu_temperature_c"] == 40
    assert {handle for _, handle in nvml.asked} == {"slice"}


def test_the_processors_near_a_gpu_are_nvmls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 130)
    nvml = Nvml()
    assert gpu.near_cpus(nvml, "board 0") == {0}
    assert gpu.near_cpus(nvml, "slice") == {1, 2, 3}
    monkeypatch.setattr(nvml, "nvmlDeviceGetCpuAffinity", lambda _, words: [0] * (words - 1) + [0b10])
    assert gpu.near_cpus(nvml, "board 0") == {129}
    monkeypatch.setattr(nvml, "nvmlDeviceGetCpuAffinity", lambda _, words: [0] * words)
    assert gpu.near_cpus(nvml, "board 0") is None


class Library:
    """As much of the CUDA driver as is called."""

    def __init__(self, code: int = 0) -> None:
        self.code = code

    def cuDeviceGet(self, device: Any, index: int) -> int:  # noqa: N802 (CUDA's names)
        device._obj.value = index
        return self.code

    def cuDeviceGetUuid_v2(self, raw: Any, _: object) -> int:  # noqa: N802
        raw._obj[:] = bytes.fromhex("00112233445566778899aabbccddeeff")
        return self.code


def test_the_drivers_uuid_reads_as_pytorch_writes_it() -> None:
    assert gpu.Driver(Library()).first_uuid() == "00112233-4455-6677-8899-aabbccddeeff"
    assert gpu.Driver(Library(code=101)).first_uuid() is None
