"""docs/scripts/h100_measure.sh, by made-up programs: what each step asks for, and where what it measured lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def asked(tmp_path: Path, command: str) -> list[str]:
    return [line for line in (tmp_path / "log").read_text().splitlines() if f"perfkit {command} " in line]


def test_a_study_is_kept_call_by_call_and_the_first_is_the_drills_baseline(host: Any, tmp_path: Path) -> None:
    for processes in ("6", "7"):
        done = host("h100_measure.sh", "study", SUITE="study", PROCESSES=processes)
        assert (done.returncode, done.stderr) == (0, "")
    done = host("h100_measure.sh", "drill", SUITE="study")
    assert (done.returncode, done.stderr) == (0, "")
    kept = tmp_path / "kept"
    runs = asked(tmp_path, "run")
    assert [run.split("--replicates ")[1].split()[0] for run in runs] == ["6", "7"]
    assert [(kept / f"study-study-{number}" / "replicate-1.json").is_file() for number in (1, 2)] == [True, True]
    (promoted,) = asked(tmp_path, "promote")
    assert "study-study-1/replicate-1.json" in promoted
    assert "study-study-2" not in promoted
    (drill,) = asked(tmp_path, "drill")
    assert "--baseline kept/drill-baseline.json" in drill
    assert "--perfkit-suite study" in drill
    assert (kept / "drill-baseline.json").is_file()
    assert (kept / "drill.code").read_text() == "0\n"
    assert "[suites.study]" in (tmp_path / "perfkit.toml").read_text()


def test_a_cold_build_and_its_rebuilds_have_a_cache_of_their_own(host: Any, tmp_path: Path) -> None:
    done = host("h100_measure.sh", "cold", SUITE="tensorrt", ONLY="mobilenet_v2 and trt", PERFKIT_CACHE="/shared")
    assert (done.returncode, done.stderr) == (0, "")
    runs = asked(tmp_path, "run")
    assert ["--rebuild" in run for run in runs] == [False, True, True]
    assert all("-k mobilenet_v2 and trt" in run for run in runs)
    (cache,) = {run.rpartition("|")[2] for run in runs}
    assert cache != "/shared"
    kept = {path.name for path in (tmp_path / "kept").glob("*.json")}
    name = "tensorrt-mobilenet_v2-and-trt-cold"
    assert kept == {f"{name}.json", f"{name}-rebuilt.json", f"{name}-rebuilt-again.json"}


def test_a_step_that_fails_is_told_and_the_others_go_on(host: Any, tmp_path: Path) -> None:
    done = host("h100_measure.sh", "record", "rebuilt", CODE="1")
    assert done.returncode == 0
    assert done.stdout.count("exit code 1") == len(asked(tmp_path, "run")) == 2
    assert host("h100_measure.sh", "nothing").returncode == 64
