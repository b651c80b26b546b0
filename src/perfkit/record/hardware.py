"""What a baseline belongs to: model of GPU or CPU, its MIG instance, count and memory, nothing that moves."""

from __future__ import annotations

import hashlib
import math
import re
from typing import Any

from perfkit.catalog.case import Platform
from perfkit.record.schema import Hardware

_MIB_PER_GIB = 1024
_LONGEST_SLUG = 120
_HASH_DIGITS = 8
_SPEAKABLE = re.compile(r"[A-Za-z0-9 ()@.,_/+-]*")


def hardware_from_machine_info(machine_info: dict[str, Any]) -> Hardware:
    """Read GPU facts, else the CPU's, from pytest-benchmark's ``machine_info``.

    Clock readings, node name and kernel are left out: they differ between two runs on one machine. Raises
    ValidationError for what no machine is.
    """
    gpu = machine_info.get("gpu")
    if isinstance(gpu, dict) and isinstance(gpu.get("name"), str):
        memory_mib = _positive(gpu.get("memory_mib"))
        capability = gpu.get("compute_capability")
        return Hardware(
            platform=Platform.CUDA,
            name=gpu["name"],
            count=_positive(gpu.get("count")) or 1,
            memory_gib=max(1, round(memory_mib / _MIB_PER_GIB)) if memory_mib else None,
            compute_capability=str(capability) if capability is not None else None,
        )
    cpu = machine_info.get("cpu")
    cpu = cpu if isinstance(cpu, dict) else {}
    name = cpu.get("brand_raw") or machine_info.get("processor") or machine_info.get("machine")
    return Hardware(
        platform=Platform.CPU,
        name=str(name or "unknown CPU"),
        count=_positive(cpu.get("count")) or 1,
    )


def mig_name(name: str, compute_slices: int, gpu_slices: int, memory_mib: int) -> str:
    """The name of a MIG instance, as NVIDIA writes them: ``NVIDIA H100 80GB HBM3 MIG 3g.40gb``.

    A slice of a GPU is hardware of its own: its name goes into baselines, file names and the keys of engines. Where
    CUDA has a profile in the name already, it stays. ``1c.3g.40gb`` has one of the three slices' compute; memory is in
    GiB, rounded up.
    """
    if " MIG " in name:
        return name
    part = "" if compute_slices == gpu_slices else f"{compute_slices}c."
    return f"{name} MIG {part}{gpu_slices}g.{math.ceil(memory_mib / _MIB_PER_GIB)}gb"


def same_hardware(one: Hardware, other: Hardware) -> bool:
    """Whether numbers of both may be compared; an unknown memory or capability equals any."""
    return (
        (one.platform, one.name, one.count) == (other.platform, other.name, other.count)
        and _agree(one.memory_gib, other.memory_gib)
        and _agree(one.compute_capability, other.compute_capability)
    )


def describe_hardware(hardware: Hardware) -> str:
    """One phrase for messages: ``NVIDIA H100 80GB HBM3 x1, 80 GiB, compute capability 9.0``."""
    parts = [f"{hardware.name} x{hardware.count}"]
    if hardware.memory_gib is not None:
        parts.append(f"{hardware.memory_gib} GiB")
    if hardware.compute_capability is not None:
        parts.append(f"compute capability {hardware.compute_capability}")
    return ", ".join(parts)


def file_stem(hardware: Hardware) -> str:
    """Name and count as part of a file name; all baselines of such hardware start with it.

    A short hash is added only where the name holds characters that a file name can't carry, or too
    many of them, so that two names never share one stem by accident.
    """
    name = re.sub(r"\((?:r|tm|c)\)", "", hardware.name.lower())
    slug = re.sub(r"[^a-z0-9]+", "-", name).strip("-")
    if len(slug) > _LONGEST_SLUG or not slug or not _SPEAKABLE.fullmatch(hardware.name):
        digest = hashlib.sha256(hardware.name.encode()).hexdigest()[:_HASH_DIGITS]
        slug = f"{slug[:_LONGEST_SLUG]}-{digest}".strip("-")
    return f"{slug}-x{hardware.count}"


def file_key(hardware: Hardware) -> str:
    """The name of the baseline file, less its suffix: ``nvidia-h100-80gb-hbm3-x1-80gib``."""
    memory = f"-{hardware.memory_gib}gib" if hardware.memory_gib is not None else ""
    return file_stem(hardware) + memory


def _agree(one: object, other: object) -> bool:
    return one is None or other is None or one == other


def _positive(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    return None
