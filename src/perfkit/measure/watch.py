"""What goes on beside the rounds of a case: read between them, never inside.

A round that was disturbed says little about a variant. It is left out and counted; when most of them were, all are kept
and the judge is told so.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from statistics import fmean, median
from typing import TYPE_CHECKING, Any, Protocol

import psutil

from perfkit.measure import machine
from perfkit.measure.gpu import board_of
from perfkit.measure.interruptions import InterruptionWatcher, counted_stops
from perfkit.measure.pressure import MemoryWatcher
from perfkit.record.schema import Conditions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch

MOST = 0.5
"""Past this share of disturbed rounds there is no undisturbed measurement."""
BUSY_SHARE = 0.25
"""Of all processors, used by others: somebody else is at work; to `perfkit doctor`, a load average of that share."""
STOLEN_SHARE = 0.10
"""Of all processors' time, taken by the hypervisor for other machines."""


class Watcher(Protocol):
    """Looks at one part of the machine."""

    def start(self) -> None:
        """Forgets what was before."""

    def look(self) -> str | None:
        """What disturbed the time since the last look, in a few words; None when nothing did."""

    def seen(self) -> dict[str, float]:
        """What there was to see in all looks, under the names of :class:`Conditions`."""


class Watch:
    """All watchers of one case. ``look`` is called at the end of each round."""

    def __init__(self, watchers: Sequence[Watcher] = ()) -> None:
        self._watchers = watchers
        self._whys: list[str | None] = []

    def start(self) -> None:
        """Forgets what was before the first round."""
        for watcher in self._watchers:
            watcher.start()
        self._whys = []

    def look(self) -> None:
        """At the end of a round."""
        whys = [watcher.look() for watcher in self._watchers]
        self._whys.append(next((why for why in whys if why), None))

    @property
    def kept(self) -> list[int]:
        """Indices of the rounds that count: the undisturbed ones, or all when most of them were disturbed."""
        if self._spoiled:
            return list(range(len(self._whys)))
        return [index for index, why in enumerate(self._whys) if why is None]

    def conditions(self) -> Conditions | None:
        """What was seen; None when nothing was watched."""
        if not self._whys or not self._watchers:
            return None
        seen: dict[str, Any] = {name: value for watcher in self._watchers for name, value in watcher.seen().items()}
        return Conditions(
            rounds=len(self._whys),
            disturbed=dict(Counter(why for why in self._whys if why is not None)),
            disturbed_rounds=[index for index, why in enumerate(self._whys) if why is not None],
            spoiled=self._spoiled,
            **seen,
        )

    @property
    def _spoiled(self) -> bool:
        return sum(why is not None for why in self._whys) > MOST * len(self._whys)


class HostWatcher:
    """Processor time that others used, as the kernel counts it.

    Where a device does the work (``decides`` is false) it is told, but disturbs no round: device times don't depend on
    it, and wall times are taken in pairs.
    """

    def __init__(
        self,
        *,
        decides: bool = True,
        system: Callable[[], Any] = psutil.cpu_times,
        own: Callable[[], Any] | None = None,
    ) -> None:
        self._decides = decides
        self._system, self._own = system, own or psutil.Process().cpu_times
        self.start()

    def start(self) -> None:
        self._last = self._read()
        self._shares: list[tuple[float, float]] = []

    def look(self) -> str | None:
        before, self._last = self._last, self._read()
        passed, busy, stolen, own = (new - old for new, old in zip(self._last, before, strict=True))
        if passed <= 0:  # the kernel counts in steps of 10 ms, or hides its counts
            return None
        others_share, stolen_share = max(0.0, busy - own) / passed, stolen / passed
        self._shares.append((min(others_share, 1.0), min(stolen_share, 1.0)))
        if not self._decides:
            return None
        if stolen_share > STOLEN_SHARE:
            return "the hypervisor took processor time"
        if others_share > BUSY_SHARE:
            return "other processes were busy"
        return None

    def seen(self) -> dict[str, float]:
        if not self._shares:
            return {}
        others, stolen = zip(*self._shares, strict=True)
        return {"others_cpu_share": round(fmean(others), 4), "stolen_cpu_share": round(fmean(stolen), 4)}

    def _read(self) -> tuple[float, float, float, float]:
        times, own = self._system(), self._own()
        idle = times.idle + getattr(times, "iowait", 0.0)
        stolen = getattr(times, "steal", 0.0)
        busy = sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq"))
        return idle + stolen + busy, busy, stolen, own.user + own.system


class GpuWatcher:
    """Clocks, temperature, power, throttling and other processes, by NVML.

    What a driver or a virtual machine hides is not watched. A clock that follows the power limit is the card's usual
    state under load and disturbs nothing; it shows in the clock. Of a MIG instance the processes are its own, and all
    else is its board's, which other instances heat and slow down as well.
    """

    _THROTTLED = (
        ("nvmlClocksThrottleReasonHwThermalSlowdown", "the GPU was too hot"),
        ("nvmlClocksThrottleReasonSwThermalSlowdown", "the GPU was too hot"),
        ("nvmlClocksThrottleReasonHwPowerBrakeSlowdown", "the GPU's power was braked from outside"),
        ("nvmlClocksThrottleReasonHwSlowdown", "the GPU slowed itself down"),
    )

    _LARGEST = ("gpu_temperature_c", "gpu_others_bytes")

    def __init__(self, reader: Any, handle: Any) -> None:
        self._reader, self._handle = reader, handle
        self._board = board_of(reader, handle)
        self.start()

    def start(self) -> None:
        # In a container NVML may name this process by a number of the host's: one alone is taken for it.
        there = set(self._processes())
        self._own = {os.getpid()} if os.getpid() in there or len(there) > 1 else there
        self._readings: dict[str, list[float]] = {}

    def look(self) -> str | None:
        reader, board = self._reader, self._board
        self._note("gpu_sm_mhz", lambda: reader.nvmlDeviceGetClockInfo(board, reader.NVML_CLOCK_SM))
        self._note("gpu_memory_mhz", lambda: reader.nvmlDeviceGetClockInfo(board, reader.NVML_CLOCK_MEM))
        self._note("gpu_temperature_c", lambda: reader.nvmlDeviceGetTemperature(board, reader.NVML_TEMPERATURE_GPU))
        self._note("gpu_power_w", lambda: reader.nvmlDeviceGetPowerUsage(board) / 1000)
        reasons = self._ask(lambda: reader.nvmlDeviceGetCurrentClocksThrottleReasons(board)) or 0
        for name, why in self._THROTTLED:
            if reasons & getattr(reader, name, 0):
                return why
        processes = self._processes()
        if others := set(processes) - self._own:
            known_bytes = [size for pid in others if (size := processes[pid]) is not None]
            if known_bytes:
                self._note("gpu_others_bytes", lambda: sum(known_bytes))
            return f"the GPU is shared with pid {', '.join(map(str, sorted(others)))}"
        return None

    def seen(self) -> dict[str, float]:
        return {
            name: round(max(values) if name in self._LARGEST else median(values), 1)
            for name, values in self._readings.items()
        }

    def _note(self, name: str, read: Callable[[], float]) -> None:
        value = self._ask(read)
        if value is not None:
            self._readings.setdefault(name, []).append(value)

    def _processes(self) -> dict[int, int | None]:
        """Their numbers and how much of the GPU's memory each has, None where a container hides that."""
        reader = self._reader
        found = self._ask(lambda: reader.nvmlDeviceGetComputeRunningProcesses(self._handle)) or ()
        return {process.pid: getattr(process, "usedGpuMemory", None) for process in found}

    def _ask(self, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except self._reader.NVMLError:
            return None


@contextlib.contextmanager
def watch(device: torch.device) -> Iterator[Watch]:
    """A watch of the host and, on CUDA where NVML can be asked, of the GPU.

    Of several things that disturb a round the first one names it: what stopped the process explains all others.
    """
    with counted_stops() as stops:
        always: list[Watcher] = [InterruptionWatcher(stops), MemoryWatcher()]
        if device.type != "cuda":
            yield Watch([*always, HostWatcher()])
            return
        always.append(HostWatcher(decides=False))
        with machine.nvml() as reader:
            handle = None if reader is None else machine.gpu_handle(reader)
            yield Watch(always if handle is None else [*always, GpuWatcher(reader, handle)])
