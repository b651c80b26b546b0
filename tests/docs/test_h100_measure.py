"""docs/scripts/h100_measure.sh, by made-up programs: what each step asks for, and where what it measured lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def asked(tmp_path: Path, command: str) -> list[str]:
    return [line for line in (tmp_path / "log").read_text().splitlines() if f"perfkit {command} " in line]


def test_a_study_is_kept_call_by_call_and_the_first_is_the_drills_baseline(host: Any, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    for processes in ("6", "7"):
        done = host("h100_measure.sh", "study", SUITE="study", PROCESSES=processes)
        assert (done.returncode, done.stderr) == (0, "")
    runs = asked(tmp_path, "run")
    assert [run.split("--replicates ")[1].split()[0] for run in runs] == ["6", "7"]
    assert [len(list((kept / f"study-study-{number}").iterdir())) for number in (1, 2)] == [6, 7]
    done = host("h100_measure.sh", "drill", SUITE="study")
    assert (done.returncode, done.stderr) == (0, "")
    (promoted,) = asked(tmp_path, "promote")
    assert [word for word in promoted.split("|")[1].split() if word.endswith(".json")] == [
        f"kept/study-study-1/replicate-{number}.json" for number in range(1, 6)
    ]
    (drill,) = asked(tmp_path, "drill")
    assert "--baseline kept/promoted-study.json" in drill
    assert "--perfkit-suite study" in drill
    assert (kept / "drill-study.code").read_text() == "0\n"
    assert "[suites.study]" in (tmp_path / "perfkit.toml").read_text()


def test_a_study_that_was_ended_stays_and_the_next_is_another(host: Any, tmp_path: Path) -> None:
    ended = tmp_path / "kept" / "run-study-study-1" / "runs" / "earlier" / "replicate-1.json"
    ended.parent.mkdir(parents=True)
    ended.touch()
    done = host("h100_measure.sh", "study", SUITE="study", PROCESSES="2")
    assert (done.returncode, done.stderr) == (0, "")
    assert ended.is_file()
    assert len(list((tmp_path / "kept" / "study-study-2").iterdir())) == 2


@pytest.mark.parametrize("processes", ["4", "5"])
def test_without_a_baseline_of_five_nothing_is_drilled(host: Any, tmp_path: Path, processes: str) -> None:
    """Too few, or five that can't be promoted."""
    host("h100_measure.sh", "study", SUITE="study", PROCESSES=processes)
    promote = tmp_path / "bin" / "python"
    promote.write_text(promote.read_text().replace('mkdir -p "$results/baselines" && echo', "exit 4; echo"))
    done = host("h100_measure.sh", "drill", SUITE="study")
    assert done.returncode == (64 if processes == "4" else 1)
    assert not asked(tmp_path, "drill")


def test_a_cold_build_and_its_rebuilds_have_a_cache_of_their_own(host: Any, tmp_path: Path) -> None:
    done = host("h100_measure.sh", "cold", SUITE="tensorrt", ONLY="mobilenet_v2 and trt", PERFKIT_CACHE="/shared")
    assert (done.returncode, done.stderr) == (0, "")
    runs = asked(tmp_path, "run")
    assert ["--rebuild" in run for run in runs] == [False, True, True]
    assert all("-k mobilenet_v2 and trt" in run for run in runs)
    (cache,) = {run.rpartition("|")[2] for run in runs}
    assert cache.startswith("/")
    assert cache != "/shared"
    assert not Path(cache).exists()
    kept = {path.name for path in (tmp_path / "kept").glob("*.json")}
    name = "tensorrt-mobilenet_v2-and-trt-cold"
    assert kept == {f"{name}.json", f"{name}-rebuilt.json", f"{name}-rebuilt-again.json"}


def test_a_step_that_fails_is_told_and_the_others_go_on(host: Any, tmp_path: Path) -> None:
    done = host("h100_measure.sh", "record", "rebuilt", CODE="1")
    assert done.returncode == 0
    assert done.stdout.count("exit code 1:") == len(asked(tmp_path, "run")) == 2
    assert host("h100_measure.sh", "nothing").returncode == 64
