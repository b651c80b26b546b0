"""What about this machine may disturb a measurement, or is missing for a variant to be worth measuring."""

from __future__ import annotations

import os
from typing import Any

import torch

from perfkit.measure import machine
from perfkit.measure.gpu import board_of
from perfkit.measure.watch import BUSY_SHARE


def remarks() -> list[str]:
    """One line for each thing that a performance engineer would want to know before trusting a number."""
    found = [*_cpu_remarks()]
    if torch.cuda.is_available():
        with machine.nvml() as reader:
            found += gpu_remarks(reader, None if reader is None else machine.gpu_handle(reader))
    return found


def _cpu_remarks() -> list[str]:
    found = []
    governor = machine.cpu_governor()
    if governor not in (None, "performance"):
        found.append(f"CPU governor is {governor}: clocks follow the load; 'performance' keeps them")
    if hasattr(os, "getloadavg"):
        load = os.getloadavg()[0] / machine.cpu_count()
        if load > BUSY_SHARE:
            found.append(f"load average is {load:.0%} of the CPUs: something else is running")
    flags = machine.cpu_flags()
    if flags and "avx512_bf16" not in flags and "amx_bf16" not in flags:
        found.append("the CPU has no bfloat16 units: eager-bf16 runs 10 to 20 times slower than eager-fp32")
    if flags and not {"avx512_vnni", "avx_vnni"} & flags:
        found.append("the CPU has no VNNI: INT8 gains are small")
    return found


def gpu_remarks(reader: Any, handle: Any) -> list[str]:
    """Of NVML's reader and its handle of the GPU, either of which may be None."""
    if reader is None:
        return ["no NVML (pip install nvidia-ml-py): clocks, throttling and other processes can't be read"]
    if handle is None:
        return ["NVML doesn't know this GPU: clocks, throttling and other processes can't be read"]
    found, board = [], board_of(reader, handle)
    try:
        if not reader.nvmlDeviceGetPersistenceMode(board):
            found.append("persistence mode is off: the driver unloads between runs, first calls are slow")
        others = [p.pid for p in reader.nvmlDeviceGetComputeRunningProcesses(handle) if p.pid != os.getpid()]
        if others:
            found.append(f"other processes are on the GPU: pid {', '.join(map(str, others))}")
        reasons = reader.nvmlDeviceGetCurrentClocksThrottleReasons(board)
        slowing = reasons & ~reader.nvmlClocksThrottleReasonGpuIdle
        if slowing:
            found.append(f"the GPU is held back now (NVML clocks event reasons {slowing:#x})")
    except reader.NVMLError as error:
        found.append(f"NVML hides some readings here: {error}")
    return found
