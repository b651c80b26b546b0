"""A pytest plugin of the made-up projects: tests share the machine, and what disturbs them isn't tested there."""

from __future__ import annotations


def pytest_runtest_setup() -> None:
    from perfkit.measure import pressure, watch  # only now: collecting imports no torch

    watch.BUSY_SHARE = watch.STOLEN_SHARE = 1.0
    pressure.LOW_SHARE, pressure.MAJOR_FAULTS = 0.0, 10**9
