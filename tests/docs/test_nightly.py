"""docs/scripts/nightly.sh, by made-up programs: each card takes a shard, with a cache of its own."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def test_each_card_builds_and_measures_its_shard(host: Any, tmp_path: Path) -> None:
    (tmp_path / ".perfkit" / "timing").mkdir(parents=True)
    (tmp_path / ".perfkit" / "timing" / "known.bin").touch()
    done = host("nightly.sh", "shards", "merge", SUITE="quick", REPLICATES="2")
    assert (done.returncode, done.stderr) == (0, "")
    log = (tmp_path / "log").read_text().splitlines()
    for number, card in enumerate(("GPU-one", "GPU-two"), start=1):
        build, run = [line for line in log if line.startswith(f"{card}|")]
        assert f"--perfkit-shard {number}/2 --perfkit-divided-by kept/run-{number}/baselines" in build
        assert f"--shard {number}/2 --replicates 2 --repeats 0 --baseline none --results kept/run-{number} --" in run
        assert all("--perfkit-suite quick" in line and line.endswith(f"|.perfkit-{number}") for line in (build, run))
        assert (tmp_path / f".perfkit-{number}" / "timing" / "known.bin").is_file()
        assert (tmp_path / "kept" / f"shard-{number}" / "replicate-2.json").is_file()
    assert any(
        line.endswith("perfkit merge kept/shard-1 kept/shard-2 --output kept/merged --baseline none|") for line in log
    )
    assert "perfkit promote --results kept/promoted" in (tmp_path / "kept" / "baseline.json").read_text()


def test_further_processes_are_judged_against_the_others(host: Any, tmp_path: Path) -> None:
    assert host("nightly.sh", "shards", "merge").returncode == 0
    done = host("nightly.sh", "again", "night")
    assert (done.returncode, done.stderr) == (0, "")
    log = (tmp_path / "log").read_text().splitlines()
    runs = [line for line in log if "--replicates 3 " in line]
    assert sorted(line.partition("|")[0] for line in runs) == ["GPU-one", "GPU-two"]
    merge = log[-1]
    assert "perfkit merge kept/night-1 kept/night-2 --output kept/judged --baseline kept/baseline.json" in merge


def test_a_host_takes_some_of_the_shards_and_another_the_others(host: Any, tmp_path: Path) -> None:
    assert host("nightly.sh", "shards", OF="3").returncode == 0
    assert host("nightly.sh", "shards", "merge", OF="3", FIRST="3").returncode == 0
    log = (tmp_path / "log").read_text().splitlines()
    runs = [(line.partition("|")[0], line.partition("--shard ")[2][:3]) for line in log if "perfkit run" in line]
    assert sorted(runs) == [("GPU-one", "1/3"), ("GPU-one", "3/3"), ("GPU-two", "2/3")]
    (merge,) = [line for line in log if "perfkit merge kept/shard-1 kept/shard-2 kept/shard-3 --output" in line]
    assert merge.endswith(" --different-days|")  # the other host was lent on another day


def test_what_was_measured_is_not_measured_again(host: Any, tmp_path: Path) -> None:
    assert host("nightly.sh", "shards").returncode == 0
    before = (tmp_path / "log").read_text()
    assert host("nightly.sh", "shards").returncode == 0
    assert (tmp_path / "log").read_text() == before


def test_a_card_that_measured_nothing_ends_it(host: Any, tmp_path: Path) -> None:
    done = host("nightly.sh", "shards", LOST="GPU-two")
    assert done.returncode == 1
    assert (tmp_path / "kept" / "shard-1").is_dir()
    assert not (tmp_path / "kept" / "shard-2").exists()


def test_merged_again_after_a_shard_was_measured_anew(host: Any, tmp_path: Path) -> None:
    assert host("nightly.sh", "shards", "merge").returncode == 0
    (tmp_path / "kept" / "merged" / "old").touch()
    assert host("nightly.sh", "merge").returncode == 0
    assert not (tmp_path / "kept" / "merged" / "old").exists()


def test_shards_that_cant_be_merged(host: Any, tmp_path: Path) -> None:
    done = host("nightly.sh", "shards", "merge", MERGED="4")
    assert done.returncode == 1
    assert not (tmp_path / "kept" / "merged").exists()


@pytest.mark.usefixtures("host")
def test_what_runs_ends_with_the_script(tmp_path: Path) -> None:
    """A host that takes its time back leaves no process on a card."""
    log = tmp_path / "log"
    log.touch()
    (tmp_path / "bin" / "python").write_text('#!/usr/bin/env bash\necho $$ >> "$LOG"\nexec sleep 60\n')
    environment = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "LOG": str(log)}
    script = subprocess.Popen(["docs/scripts/nightly.sh", "kept", "shards"], cwd=tmp_path, env=environment)
    eventually(lambda: len(log.read_text().split()) == 2)
    script.terminate()
    assert script.wait(30) == 143
    eventually(lambda: not any(Path("/proc", pid).exists() for pid in log.read_text().split()))


def eventually(is_so: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < until_s
        time.sleep(0.05)
