"""Where several workers share the machine (``-n 2``): a test with the marker ``alone`` runs while no other does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from filelock import ReadWriteLock

if TYPE_CHECKING:
    from collections.abc import Generator

_LOCK = pytest.StashKey[ReadWriteLock]()


def pytest_configure(config: pytest.Config) -> None:
    """All workers of a checkout share a lock: a test reads, one that must be alone writes."""
    cache: pytest.Cache | None = getattr(config, "cache", None)  # there is none with -p no:cacheprovider
    if hasattr(config, "workerinput") and cache is not None:
        config.stash[_LOCK] = ReadWriteLock(cache.mkdir("alone") / "lock.db")


def pytest_unconfigure(config: pytest.Config) -> None:
    if _LOCK in config.stash:
        config.stash[_LOCK].close()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Around the whole of a test: fixtures of a module measure as well."""
    lock = item.config.stash.get(_LOCK, None)
    if lock is None:
        return (yield)
    with lock.write_lock() if item.get_closest_marker("alone") else lock.read_lock():
        return (yield)
