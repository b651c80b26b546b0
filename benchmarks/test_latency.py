"""Latency of every case of the suite: answers checked first, then paired rounds against eager-fp32."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from perfkit.plugin.fixtures import Case


def test_latency(perfkit_case: Case, benchmark: BenchmarkFixture) -> None:
    """One case: a model, executed as a variant, at one concrete shape."""
    perfkit_case.measure(benchmark)
