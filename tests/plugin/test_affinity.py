from __future__ import annotations

import os
from typing import TYPE_CHECKING

from perfkit.exit_codes import ExitCode
from tests.projects import run_pytest, saved_run, suite, write_project

if TYPE_CHECKING:
    from pathlib import Path


def test_a_pinned_run_says_so_and_compares_with_no_other(tmp_path: Path) -> None:
    cpu = str(min(os.sched_getaffinity(0)))
    shapes = ("1x3x64x64", "1x3x96x96")
    write_project(tmp_path, suite(["twin"], shapes=shapes, more=f'cpu_affinity = "{cpu}"'))
    ended = run_pytest(tmp_path, "-k", "64x64", "--benchmark-autosave")
    assert ended.code == ExitCode.NOT_JUDGED, ended.out + ended.err
    run = saved_run(tmp_path)
    assert run["perfkit"]["settings"]["cpu_affinity"] == cpu
    assert run["perfkit"]["machine_state"]["cpu_affinity"] == cpu
    assert run["perfkit"]["settings"]["threads"] == 1
    (record, *_) = [entry["extra_info"]["perfkit"] for entry in run["benchmarks"]]
    assert record["comparability"]["settings"]["cpu_affinity"] == cpu


def test_a_wish_that_cannot_be_met_ends_the_run_before_anything_is_measured(tmp_path: Path) -> None:
    write_project(tmp_path, suite(["twin"], more='cpu_affinity = "9000"'))
    ended = run_pytest(tmp_path)
    assert ended.code == ExitCode.USAGE
    assert "processor 9000 isn't there" in ended.err
