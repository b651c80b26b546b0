"""A user's benchmark with pytest-benchmark alone; copied beside a pytest.ini of its own, perfkit isn't in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.side_by_side.workload import Place, cases_of, load

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture


@pytest.mark.parametrize("case", cases_of(Place.here().platform))
def test_latency(benchmark: BenchmarkFixture, case: str) -> None:
    benchmark(load(case).whole)
