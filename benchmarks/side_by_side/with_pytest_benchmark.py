"""pytest-benchmark alone: its fixture, its own calibration, and ``--benchmark-compare-fail`` against a saved run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.side_by_side.tool import One, Reading, Said, Tool, reading, words
from benchmarks.side_by_side.workload import BASELINE, cases_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_TESTS = Path(__file__).with_name("latency_alone.py")
_CHECKS = ("median:5%", "mean:10%")


class PytestBenchmark(Tool):
    name = "pytest-benchmark"
    module = "pytest_benchmark"
    about_s = 12.0

    def measure(self, one: One) -> list[Reading]:
        folder = one.folder(self.name)
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "latency_alone.py").write_text(_TESTS.read_text("utf-8"))
        options = (f"--benchmark-json={one.name}.json", f"--benchmark-storage=file://{folder}/round-{one.number}")
        if one.place.arm == BASELINE:
            checks: Sequence[str] = ("--benchmark-save=baseline",)
        else:
            # One option with both: of two options only the last one counts (5.3.1).
            checks = ("--benchmark-compare", "--benchmark-compare-fail", *_CHECKS)
        # 1: a check has failed, or a test; without the tests there is no file to read.
        printed = one.run(
            *(
                "-m",
                "pytest",
                "latency_alone.py",
                "-q",
                "-p",
                "no:perfkit",
                "-p",
                "no:cacheprovider",
                *options,
                *checks,
            ),
            folder=folder,
            codes=(0, 1),
            with_errors=True,
        )
        (folder / f"{one.name}.txt").write_text(printed)
        benchmarks = json.loads((folder / f"{one.name}.json").read_text())["benchmarks"]
        times_s = {each["params"]["case"]: each["stats"]["median"] for each in benchmarks}
        return [reading(one.place.platform, {case: times_s[case] for case in cases_of(one.place.platform)})]

    def judged(self, one: One) -> list[Said]:
        printed = (one.folder(self.name) / f"{one.name}.txt").read_text()
        cases = cases_of(one.place.platform)
        return [
            {
                "rule": f"--benchmark-compare-fail={check}",
                "replicates": "1 : 1",
                "cases": words(cases, failed(printed, check.partition(":")[0], cases)),
            }
            for check in _CHECKS
        ]


def failed(printed: str, statistic: str, cases: Sequence[str]) -> set[str]:
    """The cases of which pytest-benchmark says that this statistic has failed its check."""
    lines = re.findall(rf"^\s*(.*) - Field '{statistic}' has failed", printed, flags=re.MULTILINE)
    return {case for case in cases if any(f"[{case}]" in line for line in lines)}
