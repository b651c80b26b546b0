from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from perfkit.catalog.case import Platform
from perfkit.measure import health, machine

if TYPE_CHECKING:
    from collections.abc import Callable


class Nvml:
    """The readings of a made-up GPU: `hidden` ones raise, as in a virtual machine."""

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = range(3)
    nvmlClocksThrottleReasonGpuIdle = 1  # noqa: N815 - NVML's own name

    class NVMLError(Exception):
        pass

    def __init__(
        self, *hidden: str, persistence: bool = True, throttled: int = 1, processes: tuple[int, ...] = ()
    ) -> None:
        self._hidden = hidden
        self._readings: dict[str, object] = {
            "nvmlDeviceGetClockInfo": 1980,
            "nvmlDeviceGetTemperature": 40,
            "nvmlDeviceGetPowerUsage": 350_000,
            "nvmlDeviceGetCurrentClocksThrottleReasons": throttled,
            "nvmlDeviceGetPersistenceMode": int(persistence),
            "nvmlDeviceIsMigDeviceHandle": 0,
            "nvmlDeviceGetUUID": "GPU-0a1b",
            "nvmlDeviceGetMigMode": [0, 0],
            "nvmlDeviceGetComputeRunningProcesses": [type("Process", (), {"pid": pid}) for pid in processes],
            "nvmlDeviceGetMemoryInfo": type("Memory", (), {"used": 3 * 2**30}),
        }

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:  # noqa: N802
        if "nvmlDeviceGetHandleByUUID" in self._hidden or not uuid.startswith("GPU-"):
            raise self.NVMLError("Not Found")
        return uuid

    def __getattr__(self, name: str) -> Callable[..., object]:
        def read(*_: object) -> object:
            if name in self._hidden:
                raise self.NVMLError("Not Supported")
            return self._readings[name]

        return read


HANDLE = "of the fake"


def test_remarks_are_one_line_each() -> None:
    assert all(remark and "\n" not in remark for remark in health.remarks())


@pytest.mark.parametrize(("governor", "told"), [("powersave", True), ("performance", False), (None, False)])
def test_a_governor_that_follows_the_load(governor: str | None, told: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cpu_governor", lambda: governor)
    assert any("CPU governor is powersave" in remark for remark in health.remarks()) == told


@pytest.mark.parametrize(("load", "told"), [(7.9, True), (0.1, False)])
def test_somebody_else_at_work(load: float, told: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr(machine, "cpu_count", lambda: 8)
    assert any("load average" in remark for remark in health.remarks()) == told


def test_missing_instruction_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cpu_flags", lambda: {"avx2"})
    told = " ".join(health.remarks())
    assert "no bfloat16 units" in told
    assert "no VNNI" in told
    monkeypatch.setattr(machine, "cpu_flags", lambda: {"avx512_bf16", "avx_vnni"})
    assert "the CPU has no" not in " ".join(health.remarks())


def test_a_quiet_gpu_gives_no_remark() -> None:
    assert health.gpu_remarks(Nvml(processes=(os.getpid(),)), HANDLE) == []


def test_what_disturbs_a_gpu() -> None:
    persistence, processes, throttled = health.gpu_remarks(
        Nvml(persistence=False, throttled=0x41, processes=(4321, os.getpid())), HANDLE
    )
    assert persistence.startswith("persistence mode is off")
    assert processes.endswith("pid 4321")
    assert "0x40" in throttled


def test_readings_that_are_hidden() -> None:
    assert health.gpu_remarks(None, None)[0].startswith("no NVML")
    (remark,) = health.gpu_remarks(Nvml("nvmlDeviceGetPersistenceMode"), HANDLE)
    assert "hides some readings" in remark


def test_a_hidden_reading_is_recorded_as_none() -> None:
    state = machine.gpu_state(Nvml("nvmlDeviceGetPowerUsage", processes=(1, 2)), HANDLE)
    assert state["gpu_power_w"] is None
    assert state["gpu_sm_mhz"] == 1980
    assert state["gpu_memory_used_mib"] == 3 * 1024
    assert state["gpu_processes"] == 2


def test_the_gpu_that_is_measured_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA_VISIBLE_DEVICES=1 makes the second GPU PyTorch's first; NVML counts all of them."""
    second = type("Properties", (), {"uuid": "0a1b"})
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda _: second)
    assert machine.gpu_handle(Nvml()) == "GPU-0a1b"


def test_a_gpu_that_nvml_does_not_know_has_no_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda _: type("Slice", (), {"uuid": "0a1b"}))
    handle = machine.gpu_handle(Nvml("nvmlDeviceGetHandleByUUID"))
    assert handle is None
    assert machine.gpu_state(Nvml(), handle) == {}
    (remark,) = health.gpu_remarks(Nvml(), handle)
    assert "doesn't know this GPU" in remark


def test_no_gpu_adds_nothing_to_the_state() -> None:
    assert not any(name.startswith("gpu") for name in machine.momentary_state(Platform.CPU))
