"""Inside the process that docs/scripts/soak.py watches: what it holds after every case; its project's conftest.py."""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

_STARTED_S = time.monotonic()


def at_speed() -> None:
    """Nothing settles before it is timed: most of a case's time on the CPU."""
    from perfkit.measure.clock import CpuClock

    CpuClock.settle_s = 0.0


def pytest_runtest_setup() -> None:
    """Leaves out what is left when the time is over."""
    if time.monotonic() - _STARTED_S > float(os.environ.get("SOAK_S", "inf")):
        pytest.skip("the time is over")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A sample when a case is done, its tear-down included."""
    if report.when == "teardown" and time.monotonic() - _STARTED_S <= float(os.environ.get("SOAK_S", "inf")):
        sample()


def sample() -> None:
    """Adds a line to the file that SOAK_SAMPLES names."""
    own, parent = psutil.Process(), psutil.Process(os.getppid())
    memory = own.memory_info()
    found: dict[str, float] = {
        "s": round(time.monotonic() - _STARTED_S, 3),
        "rss_bytes": memory.rss,
        "anonymous_bytes": memory.rss - memory.shared,
        "objects": len(gc.get_objects()),
        "parent_rss_bytes": parent.memory_info().rss,
        "descriptors": own.num_fds(),
        "parent_descriptors": parent.num_fds(),
        "threads": own.num_threads(),
        "children": len(own.children(recursive=True)),
        "temporary_bytes": _size_bytes(Path(tempfile.gettempdir())),
        **_device(),
    }
    with Path(os.environ["SOAK_SAMPLES"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(found) + "\n")


def _size_bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def _device() -> dict[str, float]:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return {}
    from perfkit.measure import machine

    with machine.nvml() as reader:
        handle = None if reader is None else machine.gpu_handle(reader)
        if handle is None:
            return {}
        return {"device_bytes": reader.nvmlDeviceGetMemoryInfo(handle).used}
