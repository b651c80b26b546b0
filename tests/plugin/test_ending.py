"""What a session says at its end, whatever else ended in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.runs import PYTEST, instant_project, run
from tests.projects import BENCHMARK, SMALL

if TYPE_CHECKING:
    from pathlib import Path

FORGETS = """
def test_latency(perfkit_case, benchmark):
    if perfkit_case.id.variant == "eager-fp32":
        perfkit_case.measure(benchmark)
    else:
        benchmark.pedantic(int, rounds=5)
"""


def test_a_case_that_its_test_doesnt_measure_is_missing_for_that_reason(tmp_path: Path) -> None:
    folder = instant_project(tmp_path, ["variant-1"], models=["one"])
    (folder / "test_bench.py").write_text(FORGETS)
    ended = run(folder, PYTEST)
    (row,) = [line for line in ended.lines if f"one/variant-1/{SMALL}" in line and "MISSING" in line]
    assert "the run ended before it" not in ended.out
    assert "its test ended without having it measured" in ended.out, row


def test_the_table_is_printed_where_pytest_benchmark_fails_the_session(tmp_path: Path) -> None:
    """--benchmark-compare-fail raises in the hook that prints tables."""
    folder = instant_project(tmp_path, ["variant-1"], models=["one"])
    storage = "--benchmark-storage=file://./results"
    assert run(folder, [*PYTEST, storage, "--benchmark-autosave"]).code == 0
    slower = "import tests.faults.instant as instant\n"
    slower += "instant._Clock.now_s = lambda self, last=[0.0]: last.append(last[-1] + len(last) * 2**-6) or last[-1]\n"
    (folder / "conftest.py").write_text(slower + (folder / "conftest.py").read_text())
    (folder / "test_bench.py").write_text(BENCHMARK)
    ended = run(folder, [*PYTEST, storage, "--benchmark-compare", "--benchmark-compare-fail=mean:5%"])
    assert "Performance has regressed" in ended.out + ended.err
    assert ended.code != 0
    assert f"one/variant-1/{SMALL}" in (ended.out.partition("= perfkit =")[2])
