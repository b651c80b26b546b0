"""Which GPU is measured, as NVML knows it: by its UUID, whole or a MIG instance of it.

CUDA and NVML number GPUs differently, and CUDA_VISIBLE_DEVICES may name them by UUID, by number or not at all. A UUID
is the one name that both agree on. A MIG instance has one of its own; what belongs to the board (clocks, power,
temperature) is asked of the GPU that it is part of.
"""

from __future__ import annotations

import ctypes
import os
import uuid
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Driver:
    """The CUDA driver's own library, initialized; it follows CUDA_VISIBLE_DEVICES and needs no torch."""

    library: Any

    def device_count(self) -> int:
        """How many devices it shows."""
        count = ctypes.c_int(0)
        return count.value if self.library.cuDeviceGetCount(ctypes.byref(count)) == 0 else 0

    def first_uuid(self) -> str | None:
        """Of the first device, or of its MIG instance, without a prefix; None where it isn't told."""
        device, raw = ctypes.c_int(0), (ctypes.c_ubyte * 16)()
        if self.library.cuDeviceGet(ctypes.byref(device), 0) != 0:
            return None
        # The second version knows MIG instances.
        if self.library.cuDeviceGetUuid_v2(ctypes.byref(raw), device) != 0:
            return None
        return str(uuid.UUID(bytes=bytes(raw)))


def cuda_driver() -> Driver | None:
    """None where no driver is installed or it finds no device."""
    try:
        library = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return None
    return Driver(library) if library.cuInit(0) == 0 else None


def handle_of(reader: Any, device_uuid: str) -> Any:
    """NVML's handle of a GPU or of a MIG instance by its UUID without a prefix; None where NVML doesn't know it.

    ``reader`` is pynvml, initialized. A driver that gives the UUID of the board for an instance of it leaves only what
    CUDA_VISIBLE_DEVICES names.
    """
    handle = _by_uuid(reader, f"MIG-{device_uuid}") or _by_uuid(reader, f"GPU-{device_uuid}")
    if handle is None or is_mig(reader, handle) or not _has_instances(reader, handle):
        return handle
    named = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip()
    return _by_uuid(reader, named) if named.startswith("MIG-") else None


def board_of(reader: Any, handle: Any) -> Any:
    """The whole GPU that a MIG instance is part of; any other handle itself."""
    return reader.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle) if is_mig(reader, handle) else handle


def is_mig(reader: Any, handle: Any) -> bool:
    """Whether the handle is a MIG instance's."""
    try:
        told = reader.nvmlDeviceIsMigDeviceHandle(handle)
    except reader.NVMLError:  # a driver from before MIG
        return False
    return bool(getattr(told, "value", told))  # pynvml gives the C number itself


def mig_slices(reader: Any, handle: Any) -> tuple[int, int, int] | None:
    """A MIG instance's compute slices, GPU slices and memory in MiB; None for a whole GPU, or where it is hidden."""
    if not is_mig(reader, handle):
        return None
    try:
        found = reader.nvmlDeviceGetAttributes_v2(handle)
    except reader.NVMLError:
        return None
    return found.computeInstanceSliceCount, found.gpuInstanceSliceCount, found.memorySizeMB


def near_cpus(reader: Any, handle: Any) -> set[int] | None:
    """The processors that are nearest to the GPU, as NVML says; None where it doesn't."""
    words = -(-(os.cpu_count() or 1) // 64)
    try:
        mask = reader.nvmlDeviceGetCpuAffinity(board_of(reader, handle), words)
    except reader.NVMLError:
        return None
    return {64 * word + bit for word, bits in enumerate(mask) for bit in range(64) if bits >> bit & 1} or None


def _has_instances(reader: Any, handle: Any) -> bool:
    try:
        current, _ = reader.nvmlDeviceGetMigMode(handle)
    except reader.NVMLError:  # most GPUs have no such mode
        return False
    return bool(current)


def _by_uuid(reader: Any, name: str) -> Any:
    try:
        return reader.nvmlDeviceGetHandleByUUID(name)
    except reader.NVMLError:
        return None
