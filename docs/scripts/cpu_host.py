"""What the scripts that measure on a CPU have in common."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def described() -> dict[str, Any]:
    """When and on what something is measured, and how busy that is before: the beginning of a data file."""
    from perfkit.catalog.case import Platform
    from perfkit.measure.machine import cpu_count, cpu_name, momentary_state, software_versions

    return {
        "datetime": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": f"{cpu_name()} x{cpu_count()}",
        "load_average_1min": momentary_state(Platform.CPU)["load_average_1min"],
        "software": software_versions(),
    }


def versions(data: Mapping[str, Any], *names: str) -> str:
    """Of the software that the file names, as the pages show it."""
    return ", ".join(f"{name} {data['software'][name]}" for name in names)
