"""Whether an hour of cases on small real models leaves anything behind: docs/scripts/soak.py, at speed.

It takes minutes, so that it runs where it is asked for by name: ``pytest benchmarks/test_soak.py``.
PERFKIT_SOAK_HOURS says of how many hours the cases are.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / "docs" / "scripts" / "soak.py"
HOURS = os.environ.get("PERFKIT_SOAK_HOURS", "1")
MOST = 0.02
"""Of its memory a process may grow by in the second half of the hour."""


@pytest.fixture(scope="module")
def seen(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What soak.py writes."""
    if not any(Path(__file__).name in str(argument) for argument in pytestconfig.invocation_params.args):
        pytest.skip("it takes minutes: run it by name, pytest benchmarks/test_soak.py")
    path = tmp_path_factory.mktemp("soak") / "seen.json"
    command = [sys.executable, str(SCRIPT), f"--hours={HOURS}", "--nights=40", f"--output={path}"]
    subprocess.run(command, check=True)
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


@pytest.mark.parametrize("part", ["flat", "reading"])
@pytest.mark.parametrize("name", ["rss_bytes", "anonymous_bytes", "parent_rss_bytes"])
def test_memory_is_flat(part: str, name: str, seen: dict[str, Any]) -> None:
    halves = seen[part][name]
    assert halves["last"] / halves["middle"] < 1 + MOST


@pytest.mark.parametrize("part", ["flat", "reading"])
@pytest.mark.parametrize("name", ["descriptors", "parent_descriptors", "children", "temporary_bytes"])
def test_nothing_stays_open_running_or_behind(part: str, name: str, seen: dict[str, Any]) -> None:
    assert seen[part][name]["last"] == seen[part][name]["middle"]


def test_the_noise_floor_is_what_it_was(seen: dict[str, Any]) -> None:
    floor = seen["noise_floor"]
    assert floor["low"] < 1 < floor["high"] or floor["ratio"] < 1
