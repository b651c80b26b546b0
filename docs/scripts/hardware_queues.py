"""What kernels of a graph wait for each other depends on its process's hardware queues: tables of docs/device-times.md.

``python docs/scripts/hardware_queues.py --measure FILE`` replays two graphs on a GPU after this and that: 200 kernels
that do next to nothing, and eager-fp32 of mobilenet_v2. Without the option the page's tables are made from the
committed file, and from the records of ``docs/scripts/hardware_queues.sh``. ``--context`` makes a context and ends.
"""

from __future__ import annotations

import ctypes
import gc
import json
import re
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from blocks import with_blocks
from gpu_host import described, keep, measure_or_write, tell
from gpu_records import load

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from perfkit.record.schema import CaseRecord, RunRecord

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "device-times.md"
DATA = ROOT / "results" / "h100" / "2026-11-27-hardware-queues"
NAMES = {
    "before-loaded": "as it was",
    "before-beside": "as it was, beside others",
    "after-built": "queues used, building",
    "after-loaded": "queues used",
    "after-beside": "queues used, beside others",
    "repeated-beside": "each behind itself, beside others",
    "repeated-loaded": "each behind itself",
}
LAST = "repeated-loaded"
REPEATED = ROOT / "results" / "h100" / "2026-11-27-repeated" / "replicate-1.json.xz"
KEY = (
    "*Building*: the process built its engines; else they came from the store. *Beside others*: every two seconds"
    " another process made a context on the GPU and ended. Two numbers: the medians of the rounds that begin with the"
    " reference and with the variant, where 1% lies between. 20 rounds a case, less those that perfkit left out because"
    " the GPU was shared. The columns *each behind itself*, each graph, are of another"
    " host than the rest, and the last is the first of ten processes"
    " ([study.md](study.md#on-an-h100-each-graph-behind-itself))."
)
ORDERS_DIFFER = 0.01
KERNELS, TIMES, CALLS, STREAMS = 200, 9, 50, 9
DELAY_CYCLES = 6_000_000
"""Some 3 ms."""


def make_context() -> int:
    """The primary context of the first GPU, by the driver alone; its error code."""
    driver, context = ctypes.CDLL("libcuda.so.1"), ctypes.c_void_p()
    return int(driver.cuInit(0) or driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0))


def another_process() -> None:
    """A process that makes a context on the GPU, launches nothing and ends."""
    subprocess.run([sys.executable, __file__, "--context"], check=True)  # noqa: S603 - this script again


def another_context() -> None:
    """A second context of this process comes and goes."""
    driver, ours, other = ctypes.CDLL("libcuda.so.1"), ctypes.c_void_p(), ctypes.c_void_p()
    codes = [
        driver.cuCtxGetCurrent(ctypes.byref(ours)),
        driver.cuCtxCreate_v2(ctypes.byref(other), 0, 0),
        driver.cuCtxSetCurrent(ours),
        driver.cuCtxDestroy_v2(other),
    ]
    if any(codes):
        raise RuntimeError(f"CUDA's driver said {codes}")


class Probe:
    """Two graphs on a stream of its own, and the rows of what they took."""

    def __init__(self, target: Path, device: torch.device) -> None:
        import torch
        import torchvision

        from perfkit.measure.clock import make_clock

        self._target = target
        self._data = described() | {"kernels": KERNELS, "times": TIMES, "rows": []}
        self._few = torch.zeros(32, device=device)
        self._start, self._end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        self.images = torch.randn(1, 3, 224, 224, device=device)
        self.model = torchvision.models.get_model("mobilenet_v2", weights=None).eval().to(device)
        until_s = time.perf_counter() + 1
        while time.perf_counter() < until_s:
            self.model(self.images)
        self._kernels()
        self._clock = make_clock(device)
        self._replays = {
            "kernel_us": (self._clock.replay_of([self._kernels]), KERNELS),
            "mobilenet_v2_us": (self._clock.replay_of([partial(self.model, self.images)] * 4), 4),
        }

    def take(self, after: str, do: Callable[[], Any]) -> None:
        """Does something and then times the graphs, not by perfkit's clock: that uses every queue by itself."""
        import torch

        do()
        torch.cuda.synchronize()
        found = {}
        for name, (replay, count) in self._replays.items():
            for _ in range(3):
                replay()
            found[name] = round(median(self._replayed_us(replay) for _ in range(TIMES)) / count, 3)
        self._add(after, found)

    def take_by_the_clock(self, after: str) -> None:
        """The same by perfkit's own clock. Since 2026-11-28 that empties the cache; what is recorded is from before."""
        found = {}
        for name, (replay, count) in self._replays.items():
            self._clock.settle(replay)
            calls = count / len(replay.graphs)
            found[name] = round(median(1e6 * self._clock.replayed_s(replay) for _ in range(TIMES)) / calls, 3)
        self._add(after, found)

    def use(self, streams: list[torch.cuda.Stream]) -> None:
        """A kernel on each."""
        import torch

        for stream in streams:
            with torch.cuda.stream(stream):
                self._few.zero_()

    def _add(self, after: str, found: dict[str, float]) -> None:
        self._data["rows"].append({"after": after} | found)
        tell(json.dumps(self._data["rows"][-1]))
        keep(self._data, self._target)

    def _kernels(self) -> None:
        for _ in range(KERNELS):
            self._few.add_(1)

    def _replayed_us(self, replay: Callable[[], Any]) -> float:
        import torch

        torch.cuda.synchronize()
        torch.cuda._sleep(DELAY_CYCLES)  # noqa: SLF001 - there is no public one
        self._start.record()
        replay()
        self._end.record()
        self._end.synchronize()
        return float(self._start.elapsed_time(self._end)) * 1e3


def measure(target: Path) -> None:
    """A row for each thing that is done, kept at once."""
    import torch

    device = torch.device("cuda", 0)
    torch.backends.cudnn.benchmark = False
    with torch.inference_mode(), torch.cuda.stream(torch.cuda.Stream(device)):
        probe = Probe(target, device)
        probe.take("nothing", lambda: None)
        probe.take("a second", partial(time.sleep, 1))
        probe.take("another process", another_process)
        streams = [torch.cuda.Stream(device) for _ in range(STREAMS)]
        for number, stream in enumerate(streams, 1):
            probe.take(f"a kernel on stream {number}", partial(probe.use, [stream]))
        for count in range(5, STREAMS + 1):
            probe.take("another process", another_process)
            probe.take(f"a kernel on each of {count} streams", partial(probe.use, streams[:count]))
        probe.take("another process", another_process)
        probe.take("an event on each stream", lambda: [torch.cuda.Event().record(stream) for stream in streams])
        use_all = partial(probe.use, streams)
        probe.take("a kernel on each stream", use_all)
        probe.take("another context", another_context)
        probe.take("a kernel on each stream", use_all)
        for _ in range(3):
            probe.take("another process", another_process)
            probe.take_by_the_clock("perfkit's clock")
        with_tensorrt(probe, use_all)


def with_tensorrt(probe: Probe, use_all: Callable[[], None]) -> None:
    """What building an engine and calling it do."""
    import torch
    import torch_tensorrt

    model, images, engines = probe.model, probe.images, []
    probe.take("Torch-TensorRT imported", lambda: None)
    probe.take("a kernel on each stream", use_all)

    def build() -> None:
        given = torch_tensorrt.Input(shape=tuple(images.shape), dtype=images.dtype)
        with torch.cuda.stream(torch.cuda.default_stream()):
            engines.append(torch_tensorrt.compile(model, ir="dynamo", inputs=[given], min_block_size=1))

    def clean() -> None:
        gc.collect()
        torch.cuda.empty_cache()

    def call(of: Callable[[], Any]) -> None:
        for _ in range(CALLS):
            of()(images)

    def calls() -> None:
        for _ in range(3):
            probe.take("TensorRT calls", partial(call, lambda: engines[0]))
            probe.take("eager calls", partial(call, lambda: model))

    probe.take("an engine built", build)
    probe.take("garbage collected", clean)
    calls()
    probe.take("another process", another_process)
    calls()
    probe.take("a kernel on each stream", use_all)
    calls()


def kernels_table(data: dict[str, Any]) -> list[str]:
    """One row for what was done, in the order of doing; what was done several times lies between its extremes."""
    found: dict[str, list[dict[str, float]]] = {}
    for row in data["rows"]:
        after = re.sub(r"stream [1-7]$", "another stream, up to seven", row["after"])
        after = re.sub(r"stream [89]$", "the eighth and the ninth", after)
        after = re.sub(r"each of [5-7] streams", "each of 5 to 7 of them again", after)
        found.setdefault(re.sub(r"each of [89] streams", "each of 8 and 9 of them", after), []).append(row)
    lines = ["| after | one of 200 small kernels, µs | mobilenet_v2, eager-fp32, µs |", "|---|---|---|"]
    for after, rows in found.items():
        kernel, model = (
            span([row[name] for row in rows], digits) for name, digits in (("kernel_us", 2), ("mobilenet_v2_us", 0))
        )
        lines.append(f"| {after}{f' ({len(rows)} times)' if len(rows) > 1 else ''} | {kernel} | {model} |")
    return lines


def span(values: list[float], digits: int) -> str:
    """One number, or the two that all lie between."""
    low, high = (f"{value:.{digits}f}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def cases_table() -> list[str]:
    """One row a case and side, a column a process: medians of the rounds' device times, by their order if it shows."""
    records = {name: load(DATA / f"{name}.json.xz") for name in NAMES if name != LAST}
    records[LAST] = load(REPEATED)
    lines = [f"| device times, µs | {' | '.join(NAMES.values())} |", "|---" * (1 + len(NAMES)) + "|"]
    cases = [(case.model, case.variant) for case in next(iter(records.values()))[1]]
    for model, variant in cases:
        for side in ("reference", "variant"):
            cells = []
            for _, measured in records.values():
                (case,) = (case for case in measured if (case.model, case.variant) == (model, variant))
                cells.append(by_order(case, side))
            lines.append(
                f"| {model}/{variant}: its{' reference' if side == 'reference' else ''} | {' | '.join(cells)} |"
            )
    return [*lines, "", f"{KEY} {under(records['before-loaded'][0])}"]


def by_order(case: CaseRecord, side: str) -> str:
    """The median, or those of the rounds that begin with the reference and with the variant if 1% lies between."""
    times_s = getattr(case.rounds, f"{side}_device_s")
    pairs = list(zip(case.rounds.order, times_s, strict=True))
    first, second = (1e6 * median(time_s for order, time_s in pairs if order == of) for of in "RV")
    if abs(first / second - 1) < ORDERS_DIFFER:
        return f"{1e6 * median(times_s):.0f}"
    return f"{first:.0f}, {second:.0f}"


def under(run: RunRecord) -> str:
    """What the table was measured on."""
    software = ", ".join(f"{name} {run.software[name]}" for name in ("python", "torch", "tensorrt", "driver"))
    return f"{run.hardware.name} x{run.hardware.count}, {software}, 2026-11-27."


def main() -> str:
    """The page with its tables made anew."""
    data = json.loads((DATA / "kernels.json").read_text("utf-8"))
    return with_blocks(PAGE, {"hardware-queues": kernels_table(data), "queue-cases": cases_table()})


if __name__ == "__main__":
    if sys.argv[1:] == ["--context"]:
        sys.exit(make_context())
    measure_or_write(__doc__, measure, PAGE, main)
