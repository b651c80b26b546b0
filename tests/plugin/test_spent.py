"""What a session's time was spent on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.projects import MODEL, SMALL, register, run_pytest, saved_run, suite, write_project

if TYPE_CHECKING:
    from pathlib import Path

SLOW_BACKEND = """
import time
from types import SimpleNamespace

import perfkit.measure.spent
from tests.fakes import Twin

clock = SimpleNamespace(ahead_s=0.0, time=time.time, perf_counter=lambda: time.perf_counter() + clock.ahead_s)
perfkit.measure.spent.time = clock


class ImportsLong(Twin):
    name = "imports-long"

    def unavailable(self):
        clock.ahead_s += 1000
        return None
"""


def test_a_backends_import_is_part_of_the_start(tmp_path: Path) -> None:
    """By a clock that jumps: Torch-TensorRT's takes ten seconds."""
    project = write_project(tmp_path, suite(["imports-long"], shapes=[SMALL]))
    (project / "slow_backend.py").write_text(SLOW_BACKEND, "utf-8")
    register(project, {"imports-long": "slow_backend:ImportsLong"}, name="slow-backend")
    ended = run_pytest(project, "--benchmark-autosave")
    assert not ended.verdicts("BROKEN")
    run = saved_run(project)
    assert f"{MODEL}/imports-long/{SMALL}" in {
        "/".join(one["extra_info"]["perfkit"][key] for key in ("model", "variant", "shape"))
        for one in run["benchmarks"]
    }
    spent_s = run["perfkit"]["spent_s"]
    assert [name for name, part_s in spent_s.items() if part_s >= 1000] == ["starting"]
