"""On which processors the host's part of a run executes: `[measure] cpu_affinity`.

Set before torch is imported, so that its threads, and the processes that build engines, inherit it. Memory follows by
itself: Linux places a page on the node of the processor that touches it first.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.catalog.case import Platform
from perfkit.errors import UserError
from perfkit.measure import gpu, machine

if TYPE_CHECKING:
    from collections.abc import Iterator

_NODES = Path("/sys/devices/system/node")
_KEY = "[measure] cpu_affinity"


@contextlib.contextmanager
def pinned(wanted: str | None, platform: Platform) -> Iterator[set[int] | None]:
    """Keeps this thread, and what it starts, to the processors; yields them, and puts the old ones back.

    ``wanted`` is as the configuration has it. Yields None where nothing is pinned: without a wish, and by ``"gpu"`` on
    the CPU platform. Raises UserError where the wish can't be met.
    """
    if wanted is None or (wanted == "gpu" and platform is Platform.CPU):
        yield None
        return
    if not hasattr(os, "sched_setaffinity"):
        raise UserError(f"{_KEY}: this system can't pin processes; it needs Linux")
    before = os.sched_getaffinity(0)
    cpus = _wanted(wanted, before)
    os.sched_setaffinity(0, cpus)
    try:
        yield cpus
    finally:
        os.sched_setaffinity(0, before)


def parse_cpus(text: str) -> set[int]:
    """``"0-3,8"`` as Linux writes lists of processors."""
    found: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def format_cpus(cpus: set[int]) -> str:
    """The shortest such list: ``{0, 1, 2, 8}`` → ``"0-2,8"``."""
    runs: list[list[int]] = []
    for cpu in sorted(cpus):
        if runs and cpu == runs[-1][-1] + 1:
            runs[-1].append(cpu)
        else:
            runs.append([cpu])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _wanted(wanted: str, allowed: set[int]) -> set[int]:
    if wanted == "gpu":
        near = _near_gpu()
        if near is None:
            raise UserError(f'{_KEY} = "gpu": NVML doesn\'t say which processors are near this GPU; name them instead')
        return _allowed(near, allowed, "the processors near this GPU")
    if wanted.startswith("numa:"):
        node = wanted.removeprefix("numa:")
        try:
            listed = (_NODES / f"node{node}" / "cpulist").read_text("ascii")
        except OSError:
            known = sorted(re.sub(r"\D", "", path.name) for path in _NODES.glob("node[0-9]*"))
            raise UserError(
                f'{_KEY} = "{wanted}": this machine has no such NUMA node; known: {", ".join(known) or "none"}'
            ) from None
        return _allowed(parse_cpus(listed) if listed.strip() else set(), allowed, f"the processors of NUMA node {node}")
    cpus = parse_cpus(wanted)
    if not cpus:
        raise UserError(f'{_KEY} = "{wanted}": names no processor; write the lower number of a range first')
    if not cpus <= allowed:
        missing = format_cpus(cpus - allowed)
        raise UserError(f'{_KEY} = "{wanted}": processor {missing} isn\'t there; allowed are {format_cpus(allowed)}')
    return cpus


def _allowed(cpus: set[int], allowed: set[int], what: str) -> set[int]:
    """A container or a batch system may have been given a part of them."""
    if not cpus & allowed:
        raise UserError(f"{_KEY}: none of {what} is among those that this process may use, {format_cpus(allowed)}")
    return cpus & allowed


def _near_gpu() -> set[int] | None:
    driver = gpu.cuda_driver()
    device = driver.first_uuid() if driver is not None else None
    if device is None:
        return None
    with machine.nvml() as reader:
        handle = None if reader is None else gpu.handle_of(reader, device)
        return None if handle is None else gpu.near_cpus(reader, handle)
