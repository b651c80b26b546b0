"""Clocks: the wall clock that waits for the device, and device time behind a blocking delay."""

from __future__ import annotations

import statistics
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from perfkit.measure.replay import NotCaptured, Replay, replay_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_FIRST_DELAY_S = 2e-3
_LONGEST_DELAY_S = 0.5
_WORK_CALLS = 5
_REPEATS = 2
_FILL_BYTES = 256 * 2**20
"""More than any GPU's cache holds, whose lines that are written take the place of all others."""
_STREAMS = 32
"""As many as PyTorch has of one priority, and as CUDA has hardware queues at most; eight unless told otherwise."""


class NotQueued(RuntimeError):
    """The host could not queue the whole call before the device began it, however long the delay."""


class Clock(ABC):
    """Times calls on one device. ``has_device_time`` says whether :meth:`device_s` exists."""

    has_device_time: bool
    settle_s: float
    """How long the calls of :meth:`settle` last."""

    @abstractmethod
    def now_s(self) -> float:
        """The host's clock, read once everything that was started is done; the timer of pytest-benchmark."""

    @contextmanager
    def timed_region(self) -> Iterator[None]:
        """What is measured runs inside: on CUDA on a private stream."""
        yield

    @abstractmethod
    def work_s(self, work: Callable[[], Any], typical_s: float) -> float:
        """What a slowdown is a share of: on CUDA the device time of ``work``, else ``typical_s``, its wall time."""

    @abstractmethod
    def slowed(self, call: Callable[[Any], Any], delay_s: float) -> Callable[[Any], Any]:
        """The call, longer by a delay of the device; how a gate is tried out."""

    def host_slowed(self, call: Callable[[Any], Any], delay_s: float) -> Callable[[Any], Any]:
        """The call, before which the host spins: behind it, what the device still has to do would hide that."""

        def spin_and_call(images: Any) -> Any:
            until_s = time.perf_counter() + delay_s
            while time.perf_counter() < until_s:
                pass
            return call(images)

        return spin_and_call

    def wall_s(self, call: Callable[[], Any]) -> float:
        """Seconds that a caller waits: synchronize, call, synchronize."""
        started = self.now_s()
        outputs = call()
        ended = self.now_s()
        del outputs  # only now, as pytest-benchmark does: freeing them is no part of the call
        return ended - started

    def settle(self, call: Callable[[], Any]) -> None:
        """Calls untimed, so that the timed calls that follow don't meet what another side's call left behind."""
        until_s = self.now_s() + self.settle_s
        call()
        while self.now_s() < until_s:
            call()

    def settling_s(self, typical_s: float) -> float:
        """How long :meth:`settle` lasts at the least with calls that take so long: it makes a whole one."""
        return max(self.settle_s, typical_s)

    def device_s(self, call: Callable[[], Any]) -> float:
        """Seconds of device work of the call, gaps that the host's launches leave not counted.

        It finds nothing of its own in the GPU's cache.
        """
        raise NotQueued("this platform has no device clock of its own")

    def replayed_s(self, replay: Replay) -> float:
        """Seconds of device work of a call, the mean over the graphs, each with nothing of it in the GPU's cache.

        Else how much of its data a graph finds there depends on where that lies in memory, and so do its times.
        """
        raise NotQueued(f"this platform has no graphs for {len(replay.graphs)} calls")

    def replay_of(self, calls: Sequence[Callable[[], Any]]) -> Replay:
        """The device work of all the warmed-up calls, without their launches.

        Raises NotCaptured where that can't be had.
        """
        raise NotCaptured(f"this platform has no graphs for {len(calls)} calls")


class CpuClock(Clock):
    """Calls are synchronous: the host's clock is enough.

    Behind the other side's calls, a call of 1 to 10 ms is up to three times as long at first and needs some 60 ms of
    its own kind to come within a few percent of where it ends (docs/cpu-noise.md). With less, the two orders of a
    round are two modes, and the median over them falls somewhere between.
    """

    has_device_time = False
    settle_s = 0.06

    def now_s(self) -> float:
        return time.perf_counter()

    def work_s(self, work: Callable[[], Any], typical_s: float) -> float:
        return typical_s

    def slowed(self, call: Callable[[Any], Any], delay_s: float) -> Callable[[Any], Any]:
        return self.host_slowed(call, delay_s)


class CudaClock(Clock):  # pragma: gpu
    """Events on a private stream.

    A private stream, because Torch-TensorRT moves callers on the default stream to another one, where events
    recorded by the caller would miss the work.
    """

    has_device_time = True
    settle_s = 0.01

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)
        self._begin = torch.cuda.Event()
        self._events: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []
        self._delay_s = _FIRST_DELAY_S
        self._streams = [torch.cuda.Stream(device) for _ in range(_STREAMS)]
        self._nothing = torch.zeros(1, device=device)
        self._cycles_per_s = self._measure_cycles()
        self._make_workspaces(device)
        self._use_every_queue()

    def now_s(self) -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    @contextmanager
    def timed_region(self) -> Iterator[None]:
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            yield
        self._stream.synchronize()

    def device_s(self, call: Callable[[], Any]) -> float:
        """Seconds between two events around a call that was queued whole behind a blocking delay and a fill.

        A spinning kernel holds the stream back while the host queues fill, start event, call and end event. If an event
        right behind the delay is still pending when the host is done, the device can't have waited for a launch.
        Otherwise the delay is doubled and the call repeated. The next call starts with twice the host's time.

        Raises NotQueued when the longest delay isn't enough: the call synchronizes by itself, or the launch queue
        is shorter than the call.
        """
        return self._queued_s([(self._new_fill(), call)])

    def replayed_s(self, replay: Replay) -> float:
        fill = self._new_fill()
        parts = [(fill, graph) for graph in replay.graphs for _ in range(_REPEATS)]
        return self._queued_s(parts) / len(parts)

    def _queued_s(self, parts: Sequence[tuple[Callable[[], Any], Callable[[], Any]]]) -> float:
        """Seconds of the second calls of all parts together, each behind the first of its part, which doesn't count."""
        while len(self._events) < len(parts):
            self._events.append((torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)))
        timed = self._events[: len(parts)]
        delay_s = self._delay_s
        while True:
            self._use_every_queue()
            torch.cuda.synchronize()
            self._delay(delay_s)
            started = time.perf_counter()
            self._begin.record()
            for (start, end), (before, call) in zip(timed, parts, strict=True):
                before()
                start.record()
                call()
                end.record()
            host_s = time.perf_counter() - started
            queued_whole = not self._begin.query()
            torch.cuda.current_stream().synchronize()
            if queued_whole:
                # One hiccup of the host must not make every later round wait for it.
                self._delay_s = max(_FIRST_DELAY_S, 2 * host_s)
                return sum(float(start.elapsed_time(end)) for start, end in timed) / 1e3
            if delay_s >= _LONGEST_DELAY_S:
                raise NotQueued(f"the call was not queued whole within {_LONGEST_DELAY_S} s; it synchronizes by itself")
            delay_s *= 2

    def settle(self, call: Callable[[], Any]) -> None:
        self._use_every_queue()
        super().settle(call)

    def work_s(self, work: Callable[[], Any], typical_s: float) -> float:
        try:
            replay = self.replay_of([work])
        except NotCaptured:
            self.settle(work)
            try:
                return statistics.median(self.device_s(work) for _ in range(_WORK_CALLS))
            except NotQueued:  # it waits for the device by itself: its wall time is nearest
                return typical_s
        self.settle(replay)
        return statistics.median(self.replayed_s(replay) for _ in range(_WORK_CALLS))

    def slowed(self, call: Callable[[Any], Any], delay_s: float) -> Callable[[Any], Any]:
        def call_and_delay(images: Any) -> Any:
            outputs = call(images)
            self._delay(delay_s)
            return outputs

        return call_and_delay

    def replay_of(self, calls: Sequence[Callable[[], Any]]) -> Replay:
        return replay_of(calls)

    def _delay(self, seconds: float) -> None:
        """Queues a kernel that spins for about that long on the current stream."""
        # PyTorch's only public-enough way to keep a stream busy for a chosen time; its own tests use it so.
        torch.cuda._sleep(int(seconds * self._cycles_per_s))  # noqa: SLF001 - there is no public one

    def _new_fill(self) -> Callable[[], Any]:
        """What leaves nothing of others in the cache. Its memory isn't kept, or it would be told as a variant's."""
        return torch.empty(_FILL_BYTES, dtype=torch.uint8, device=self._nothing.device).zero_

    def _use_every_queue(self) -> None:
        for stream in self._streams:
            with torch.cuda.stream(stream):
                self._nothing.zero_()

    def _measure_cycles(self) -> float:
        cycles = 20_000_000
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        with torch.cuda.stream(self._stream):
            for _ in range(2):  # the first one loads the kernel
                start.record()
                torch.cuda._sleep(cycles)  # noqa: SLF001 - see _delay
                end.record()
                end.synchronize()
        return cycles / (float(start.elapsed_time(end)) / 1e3)

    def _make_workspaces(self, device: torch.device) -> None:
        """Lets cuBLAS and cuBLASLt take the workspaces that they keep for the life of the process, one a stream.

        Otherwise the first model would seem to leave memory behind: a product takes cuBLAS's, a product with a bias,
        as in a linear layer, cuBLASLt's.
        """
        values = torch.ones(64, 64, device=device)
        for stream in (torch.cuda.current_stream(), self._stream):
            with torch.cuda.stream(stream):
                torch.matmul(values, values)
                torch.addmm(values[0], values, values)
        torch.cuda.synchronize()


def make_clock(device: torch.device) -> Clock:
    """The clock of a device."""
    return CudaClock(device) if device.type == "cuda" else CpuClock()
