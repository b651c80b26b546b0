from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from perfkit.measure.pressure import LOW_SHARE, MAJOR_FAULTS, MemoryWatcher
from tests.disk import pages_from_disk

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def watcher(shares: Iterable[float], faults: Iterable[int]) -> MemoryWatcher:
    return MemoryWatcher(iter(shares).__next__, iter(faults).__next__)


@pytest.mark.parametrize(
    ("share", "faults", "why"),
    [
        (0.5, 0, None),
        (LOW_SHARE, MAJOR_FAULTS, None),
        (LOW_SHARE / 2, 0, "the machine was short of memory"),
        (0.5, MAJOR_FAULTS + 1, "memory was read back from a disk"),
        (LOW_SHARE / 2, 1000, "memory was read back from a disk"),
    ],
)
def test_memory_that_runs_short(share: float, faults: int, why: str | None) -> None:
    assert watcher([share], [7, 7 + faults]).look() == why


def test_the_least_of_all_rounds_and_all_pages_are_told() -> None:
    watching = watcher([0.5, 0.3, 0.4], [100, 105, 107, 107, 120])
    watching.start()
    assert watching.seen() == {}
    for _ in range(3):
        watching.look()
    assert watching.seen() == {"available_memory_share": 0.3, "major_faults": 15}


def test_the_real_machine_has_memory() -> None:
    watching = MemoryWatcher()
    watching.look()
    assert 0 < watching.seen()["available_memory_share"] < 1


def test_pages_that_are_really_read_from_a_disk(tmp_path: Path) -> None:
    watching = MemoryWatcher(lambda: 1.0)
    if not pages_from_disk(tmp_path / "file"):
        pytest.skip("this system counts no pages that are read from a disk")
    assert watching.look() == "memory was read back from a disk"
    assert watching.look() is None
