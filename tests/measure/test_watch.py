from __future__ import annotations

import itertools
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from perfkit.measure.watch import GpuWatcher, HostWatcher, Watch, watch

if TYPE_CHECKING:
    from collections.abc import Iterable


class Told:
    """A watcher that says what it is told to."""

    def __init__(self, whys: Iterable[str | None]) -> None:
        self._whys = iter(whys)

    def start(self) -> None:
        next(self._whys)

    def look(self) -> str | None:
        return next(self._whys)

    def seen(self) -> dict[str, float]:
        return {"gpu_sm_mhz": 1980.0}


whys = st.lists(st.sampled_from([None, None, "hot", "busy"]), min_size=1, max_size=40)


@given(whys)
def test_disturbed_rounds_are_left_out_and_counted(whys: list[str | None]) -> None:
    watching = Watch([Told(["before the first round", *whys])])
    watching.start()
    for _ in whys:
        watching.look()
    conditions = watching.conditions()
    assert conditions is not None
    disturbed = [index for index, why in enumerate(whys) if why]
    assert conditions.rounds == len(whys)
    assert sum(conditions.disturbed.values()) == len(disturbed)
    assert conditions.disturbed_rounds == sorted(disturbed)
    assert conditions.spoiled == (len(disturbed) > len(whys) / 2)
    expected = range(len(whys)) if conditions.spoiled else sorted(set(range(len(whys))) - set(disturbed))
    assert watching.kept == list(expected)


def test_the_first_watcher_that_sees_something_names_it() -> None:
    watching = Watch([Told([None, None, "hot"]), Told([None, "busy", "busy"])])
    watching.start()
    watching.look()
    watching.look()
    conditions = watching.conditions()
    assert conditions is not None
    assert conditions.disturbed == {"busy": 1, "hot": 1}


def test_unwatched_rounds_all_count() -> None:
    watching = Watch()
    watching.look()
    assert watching.kept == [0]
    assert watching.conditions() is None


def host(steps: Iterable[tuple[float, float, float, float]], *, decides: bool = True) -> HostWatcher:
    """Each step: idle, busy and stolen time of all processors, and this process's own, in seconds."""
    totals = list(itertools.accumulate(steps, lambda a, b: tuple(x + y for x, y in zip(a, b, strict=True))))
    system = iter(totals)
    own = iter(totals)

    def of_system() -> Any:
        idle, busy, stolen, _ = next(system)
        return SimpleNamespace(user=busy, system=0.0, idle=idle, steal=stolen)

    return HostWatcher(decides=decides, system=of_system, own=lambda: SimpleNamespace(user=next(own)[3], system=0.0))


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ((1.0, 1.0, 0.0, 1.0), None),  # this process alone
        ((0.6, 1.4, 0.0, 1.0), None),  # others: a fifth of both processors
        ((0.4, 1.6, 0.0, 1.0), "other processes were busy"),
        ((0.9, 1.0, 0.1, 1.0), None),
        ((0.7, 1.0, 0.3, 1.0), "the hypervisor took processor time"),
        ((0.0, 0.0, 0.0, 0.0), None),  # shorter than the kernel's step
        ((1.0, 0.99, 0.0, 1.0), None),  # the two clocks don't agree to the last step
    ],
)
def test_processor_time_of_others(step: tuple[float, float, float, float], why: str | None) -> None:
    watcher = host([(5.0, 5.0, 5.0, 5.0), step])
    assert watcher.look() == why


def test_beside_a_gpu_the_host_is_told_and_disturbs_nothing() -> None:
    watcher = host([(5.0, 5.0, 5.0, 5.0), (0.4, 1.6, 0.0, 0.6)], decides=False)
    assert watcher.look() is None
    assert watcher.seen() == {"others_cpu_share": 0.5, "stolen_cpu_share": 0.0}


def test_what_was_before_the_first_round_is_forgotten() -> None:
    watcher = host([(0.0, 0.0, 0.0, 0.0), (0.0, 2.0, 0.0, 0.0), (1.0, 1.0, 0.0, 1.0)])
    watcher.start()
    watcher.look()
    assert watcher.seen() == {"others_cpu_share": 0.0, "stolen_cpu_share": 0.0}


def test_shares_are_means_over_the_rounds() -> None:
    watcher = host([(0.0, 0.0, 0.0, 0.0), (1.0, 1.0, 0.0, 1.0), (0.5, 1.5, 0.0, 1.0)])
    watcher.look()
    watcher.look()
    assert watcher.seen() == {"others_cpu_share": 0.125, "stolen_cpu_share": 0.0}


def test_a_kernel_that_hides_its_counts_tells_nothing() -> None:
    watcher = host([(0.0, 0.0, 0.0, 0.0)] * 2)
    assert watcher.look() is None
    assert watcher.seen() == {}


class Nvml:
    """As much of pynvml as is read, with a state that a test moves."""

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0

    class NVMLError(Exception):
        pass

    def __init__(self) -> None:
        # NVML's names and bits; without the power limit's, 0x4.
        self.nvmlClocksThrottleReasonHwSlowdown = 0x8
        self.nvmlClocksThrottleReasonSwThermalSlowdown = 0x20
        self.nvmlClocksThrottleReasonHwThermalSlowdown = 0x40
        self.nvmlClocksThrottleReasonHwPowerBrakeSlowdown = 0x80
        self.reasons = 0
        self.pids = [1]
        self.used_bytes: dict[int, int] = {}
        self.mhz = iter([1980, 1980, 1755])
        self.hidden = False

    def nvmlDeviceIsMigDeviceHandle(self, _: object) -> int:  # noqa: N802
        return 0

    def nvmlDeviceGetClockInfo(self, _: object, kind: int) -> int:  # noqa: N802 (NVML's names)
        return next(self.mhz) if kind == self.NVML_CLOCK_SM else 2619

    def nvmlDeviceGetTemperature(self, *_: object) -> int:  # noqa: N802
        if self.hidden:
            raise self.NVMLError
        return 35

    def nvmlDeviceGetPowerUsage(self, _: object) -> int:  # noqa: N802
        return 123_400

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, _: object) -> int:  # noqa: N802
        return self.reasons

    def nvmlDeviceGetComputeRunningProcesses(self, _: object) -> list[Any]:  # noqa: N802
        return [SimpleNamespace(pid=pid, usedGpuMemory=self.used_bytes.get(pid)) for pid in self.pids]


@pytest.mark.parametrize(
    ("reasons", "why"),
    [
        (0x0, None),
        (0x4, None),  # at its power limit: its usual state under load
        (0x20, "the GPU was too hot"),
        (0x48, "the GPU was too hot"),
        (0x88, "the GPU's power was braked from outside"),
        (0x8, "the GPU slowed itself down"),
    ],
)
def test_throttling_disturbs(reasons: int, why: str | None) -> None:
    nvml = Nvml()
    watcher = GpuWatcher(nvml, "handle")
    nvml.reasons = reasons
    assert watcher.look() == why


@pytest.mark.case("B16")
@pytest.mark.parametrize(
    ("at_first", "then", "why"),
    [
        ([], [], None),
        (["own"], ["own"], None),
        ([4711], [4711], None),  # this process, by its number outside the container
        (["own"], ["own", 12, 7], "the GPU is shared with pid 7, 12"),
        ([4711], [4711, 12], "the GPU is shared with pid 12"),
        # Somebody who was there before, asleep with the memory full, is there in every round.
        (["own", 12], ["own", 12], "the GPU is shared with pid 12"),
        ([4711, 12], [4711, 12], "the GPU is shared with pid 12, 4711"),
        (["own", 12], ["own"], None),
    ],
)
def test_b16_another_process_on_the_gpu_disturbs(
    at_first: list[str | int], then: list[str | int], why: str | None
) -> None:
    nvml = Nvml()
    nvml.pids = [os.getpid() if pid == "own" else int(pid) for pid in at_first]
    watcher = GpuWatcher(nvml, "handle")
    nvml.pids = [os.getpid() if pid == "own" else int(pid) for pid in then]
    assert watcher.look() == why


def test_what_others_have_of_the_gpus_memory_is_told() -> None:
    nvml = Nvml()
    nvml.pids, nvml.used_bytes = [os.getpid()], {os.getpid(): 10**9, 7: 3 * 10**9, 8: 2 * 10**9}
    watcher = GpuWatcher(nvml, "handle")
    nvml.mhz = iter([1980] * 5)
    watcher.look()
    nvml.pids = [os.getpid(), 9]  # a container hides what this one has
    watcher.look()
    assert "gpu_others_bytes" not in watcher.seen()
    for pids in ([7], [7, 8, 9], []):
        nvml.pids = [os.getpid(), *pids]
        watcher.look()
    assert watcher.seen()["gpu_others_bytes"] == 5 * 10**9


def test_clocks_are_medians_and_what_is_hidden_is_left_out() -> None:
    nvml = Nvml()
    nvml.hidden = True
    watcher = GpuWatcher(nvml, "handle")
    for _ in range(3):
        watcher.look()
    assert watcher.seen() == {"gpu_sm_mhz": 1980, "gpu_memory_mhz": 2619, "gpu_power_w": 123.4}


def test_the_cpu_is_watched_by_what_the_kernel_counts() -> None:
    with watch(torch.device("cpu")) as watching:
        watching.start()
        watching.look()
        assert watching.conditions() is not None
