"""What the machine is and what runs on it: hardware, software, settings, momentary readings."""

from __future__ import annotations

import contextlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from perfkit.catalog.case import Platform
from perfkit.measure.gpu import board_of, cuda_driver, handle_of, mig_slices
from perfkit.record.hardware import mig_name
from perfkit.record.schema import Hardware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_PACKAGES = (
    "perfkit",
    "torch",
    "torchvision",
    "torch-tensorrt",
    "tensorrt",
    "nvidia-modelopt",
    "openvino",
    "nncf",
    "pytest",
    "pytest-benchmark",
)
_GIB = 1024**3


def cuda_device_count() -> int:
    """How many CUDA devices the driver shows; 0 without a driver. Asks the driver itself, torch isn't imported."""
    driver = cuda_driver()
    return 0 if driver is None else driver.device_count()


def software_versions() -> dict[str, str]:
    """Versions of what shapes the numbers: packages, Python, CUDA, driver, kernel."""
    import torch

    versions = {"python": platform.python_version(), "kernel": platform.release()}
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    versions["torch"] = torch.__version__  # with the local part that says CPU or which CUDA
    if torch.cuda.is_available():
        versions["cuda"] = str(torch.version.cuda)
        versions["cudnn"] = str(torch.backends.cudnn.version())
        with nvml() as reader:
            if reader is not None:
                versions["driver"] = reader.nvmlSystemGetDriverVersion()
    return dict(sorted(versions.items()))


def gpu_info() -> dict[str, Any] | None:
    """Name, count, memory and compute capability of the GPUs; None without one. A MIG instance has its own name."""
    import torch

    if not torch.cuda.is_available():
        return None
    properties = torch.cuda.get_device_properties(0)
    with nvml() as reader:
        handle = None if reader is None else gpu_handle(reader)
        slices = None if handle is None else mig_slices(reader, handle)
    return {
        "name": properties.name if slices is None else mig_name(properties.name, *slices),
        "count": torch.cuda.device_count(),
        "memory_mib": properties.total_memory // 1024**2,
        "compute_capability": f"{properties.major}.{properties.minor}",
    }


def hardware_here(gpu: Mapping[str, Any] | None) -> Hardware:
    """What a record says of the machine: of its GPUs as `gpu_info` has them, of its processors where there are none."""
    if gpu is not None:
        return Hardware(
            platform=Platform.CUDA,
            name=gpu["name"],
            count=gpu["count"],
            memory_gib=memory_gib(gpu["memory_mib"] * 1024**2),
            compute_capability=gpu["compute_capability"],
        )
    return Hardware(
        platform=Platform.CPU,
        name=cpu_name(),
        count=cpu_count(),
        memory_gib=host_memory_gib(),
    )


def cpu_name() -> str:
    """The processor's model name, as pytest-benchmark's machine_info has it."""
    import cpuinfo  # a dependency of pytest-benchmark

    return str(cpuinfo.get_cpu_info().get("brand_raw") or platform.processor() or platform.machine())


def cpu_flags() -> set[str]:
    """Instruction sets of the processor; empty where they can't be read."""
    import cpuinfo

    return set(cpuinfo.get_cpu_info().get("flags", ()))


def cpu_governor() -> str | None:
    """The frequency governor of the first CPU (Linux); None where the kernel or a hypervisor hides it."""
    try:
        return Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").read_text("ascii").strip()
    except OSError:
        return None


def cpu_count() -> int:
    """Logical CPUs of the machine; an affinity mask moves from run to run and is no part of it."""
    return os.cpu_count() or 1


def memory_gib(total_bytes: int) -> int:
    """Rounded to 4 GiB: what a kernel or a driver keeps for itself changes with its version."""
    return max(1, round(total_bytes / _GIB / 4) * 4) if total_bytes > 2 * _GIB else 1


def host_memory_gib() -> int:
    """The machine's memory in GiB, rounded as :func:`memory_gib` does."""
    return memory_gib(psutil.virtual_memory().total)


def momentary_state(kind: Platform) -> dict[str, str | int | float | bool | None]:
    """Readings that move; recorded beside a run, never part of what identifies hardware."""
    state: dict[str, str | int | float | bool | None] = {
        "load_average_1min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    }
    frequency = psutil.cpu_freq()
    if frequency is not None:
        state["cpu_mhz"] = round(frequency.current)
    if kind is Platform.CUDA:
        with nvml() as reader:
            if reader is not None:
                state |= gpu_state(reader, gpu_handle(reader))
    return state


@contextlib.contextmanager
def nvml() -> Iterator[Any]:
    """The pynvml module, initialized; None where it or the driver is missing."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # not installed, no driver, or a driver that doesn't match its library
        yield None
        return
    try:
        yield pynvml
    finally:
        pynvml.nvmlShutdown()


def gpu_handle(reader: Any) -> Any:
    """NVML's handle of the GPU or the MIG instance that is measured; None where NVML doesn't know it.

    By its UUID, for NVML's own numbering leaves CUDA_VISIBLE_DEVICES out of account.
    """
    import torch

    return handle_of(reader, str(torch.cuda.get_device_properties(0).uuid))


def gpu_state(reader: Any, handle: Any) -> dict[str, str | int | float | bool | None]:
    """What NVML tells of the GPU at this moment; nothing where it has no handle of it."""
    if handle is None:
        return {}
    board = board_of(reader, handle)
    readings: dict[str, Callable[[], Any]] = {
        "gpu_sm_mhz": lambda: reader.nvmlDeviceGetClockInfo(board, reader.NVML_CLOCK_SM),
        "gpu_memory_mhz": lambda: reader.nvmlDeviceGetClockInfo(board, reader.NVML_CLOCK_MEM),
        "gpu_temperature_c": lambda: reader.nvmlDeviceGetTemperature(board, reader.NVML_TEMPERATURE_GPU),
        "gpu_power_w": lambda: reader.nvmlDeviceGetPowerUsage(board) / 1000,
        "gpu_throttle_reasons": lambda: reader.nvmlDeviceGetCurrentClocksThrottleReasons(board),
        "gpu_persistence_mode": lambda: bool(reader.nvmlDeviceGetPersistenceMode(board)),
        "gpu_uuid": lambda: reader.nvmlDeviceGetUUID(handle),
        "gpu_processes": lambda: len(reader.nvmlDeviceGetComputeRunningProcesses(handle)),
        "gpu_memory_used_mib": lambda: reader.nvmlDeviceGetMemoryInfo(handle).used // 1024**2,
    }
    state: dict[str, str | int | float | bool | None] = {}
    for name, read in readings.items():
        try:
            state[name] = read()
        except reader.NVMLError:  # a virtual machine hides some of them
            state[name] = None
    return state
