"""``perfkit merge``: folders of shards become the run, or nothing is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.history.database import open_existing_history
from perfkit.history.series import runs_since
from perfkit.judge.compare import judge
from perfkit.record.baseline import read_baseline
from perfkit.record.details import read_details
from perfkit.record.read import read_run, read_runs, run_from_json
from perfkit.report.exporter import Report
from perfkit.report.html.overview import overview_of
from tests.cli.promoting import FILE, enter, promote_three_nights
from tests.shards import cut, without_shards
from tests.support import case, run_data, slowed, usual_times

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support import Times

HURT = case("trt-int8")
MODELS = (["resnet50"], ["mobilenet_v2"])
NAMES = ("shard-a", "shard-b")


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(tmp_path, monkeypatch)


def write_shards(times: Times | None = None, files: tuple[str, ...] = ("replicate-1", "replicate-2")) -> list[Any]:
    """Two folders as two machines would have left them; returns what one machine would have recorded."""
    whole = [run_data(times, day=day) for day in range(21, 21 + len(files))]
    for name, data in zip(files, whole, strict=True):
        for folder, shard in zip(NAMES, cut(data, *MODELS), strict=True):
            Path(folder).mkdir(exist_ok=True)
            Path(folder, f"{name}.json").write_text(json.dumps(shard))
    return whole


def merge(*arguments: str) -> int:
    return main(["merge", *NAMES, "--output", "night", *arguments])


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that it is refused with; nothing is written."""
    before = sorted(Path().rglob("*"))
    assert main(["merge", *(arguments or NAMES), "--output", "night"]) == ExitCode.USAGE
    assert sorted(Path().rglob("*")) == before
    out, err = capsys.readouterr()
    assert not out
    (line,) = err.splitlines()
    return line.removeprefix("perfkit: ")


def test_the_merge_is_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Judged as one, promoted, compared, shown and kept like one, a replicate of each shard in each of its own."""
    promote_three_nights()
    whole = write_shards(slowed(usual_times(), HURT, 1.3))
    capsys.readouterr()
    assert merge("--json") == ExitCode.FAIL
    out, err = capsys.readouterr()
    rows = {row["verdict"]: row for row in json.loads(out)["rows"]}
    assert rows["REGRESSED"]["variant"] == HURT.variant
    assert len(json.loads(out)["rows"]) == 12
    assert err.splitlines()[-1] == "perfkit: 2 shards in night; perfkit promote night adds them to the baseline"
    assert sorted(path.name for path in Path("night").iterdir()) == ["replicate-1.json", "replicate-2.json"]
    for number, data in enumerate(whole, 1):
        path = f"night/replicate-{number}.json"
        assert without_shards(read_run(Path(path))) == run_from_json(data, path)
    with open_existing_history(Path("results")) as history, history.reading() as connection:
        kept = {run.digest for run in runs_since(connection, None).values()}
    assert kept == {read_run(path).replicate.run_id for path in Path("night").iterdir()}
    assert main(["compare", "auto", "night"]) == ExitCode.FAIL
    assert main(["report", "night", "--format", "markdown"]) == ExitCode.PASS
    assert main(["history", "add", "night"]) == ExitCode.PASS
    assert main(["promote", "night", "--force", "--reason", "known"]) == ExitCode.PASS
    assert {r.run_id for r in read_baseline(FILE).replicates} >= kept


def test_the_verdict_is_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    write_shards()
    assert merge() == ExitCode.NOT_JUDGED
    assert "12 NEW" in capsys.readouterr().out
    assert len(list(Path("night").iterdir())) == 2


def test_a_shard_is_no_run_to_be_promoted_or_kept(capsys: pytest.CaptureFixture[str]) -> None:
    promote_three_nights()
    write_shards()
    capsys.readouterr()
    before = FILE.read_bytes()
    assert main(["promote", "shard-a", "--force", "--reason", "hurry"]) == ExitCode.USAGE
    err = capsys.readouterr().err
    assert "shard-a/replicate-1.json: is shard 1/2 of a run; perfkit merge makes the run that can be promoted" in err
    assert FILE.read_bytes() == before
    assert main(["history", "add", "shard-a"]) == ExitCode.USAGE
    assert "2 not added: shard-a/replicate-1.json: is shard 1/2 of a run" in capsys.readouterr().err
    assert main(["compare", str(FILE), "shard-a"]) == ExitCode.PASS, "of its own cases there is a judgement"
    assert "shard 1/2 of a run" in capsys.readouterr().out


def test_only_some_shards_have_repeated_their_cases() -> None:
    write_shards(files=("repeat-1", "replicate-1"))
    Path("shard-b/repeat-1.json").unlink()
    assert merge() == ExitCode.NOT_JUDGED
    repeat, replicate = (read_run(Path(f"night/{name}.json")) for name in ("repeat-1", "replicate-1"))
    assert {sample.model for sample in repeat.replicate.samples} == {"resnet50"}
    assert {o.reason for o in repeat.outcomes if o.model == "mobilenet_v2"} == {"deselected"}
    assert len(replicate.replicate.samples) == 12


def one_night(day: int, times: Times | None = None, *, hours: int = 2) -> None:
    """The shards of one replicate, each night's of one commit, in place of those of the night before."""
    data = run_data(times, day=day) | {"commit_info": {"id": "a" * 40, "dirty": False}}
    data["datetime"] = f"2030-01-{day:02d}T{hours:02d}:14:09+00:00"
    for folder, shard in zip(NAMES, cut(data, *MODELS), strict=True):
        Path(folder).mkdir(exist_ok=True)
        Path(folder, "replicate-1.json").write_text(json.dumps(shard))


def left_over() -> None:
    """Three nights are the baseline; in the fourth shard b is that of the third, and what got slower is in shard b."""
    for day in (1, 2, 3):
        one_night(day)
        assert merge("--baseline=none") == ExitCode.NOT_JUDGED
        assert main(["promote", "night", "--reason", "first week"]) == ExitCode.PASS
        shutil.rmtree("night")
    kept = Path("shard-b/replicate-1.json").read_bytes()
    one_night(4, slowed(usual_times(), case("trt-int8", "mobilenet_v2"), 1.5))
    Path("shard-b/replicate-1.json").write_bytes(kept)


def test_a_shard_that_was_left_over_from_another_night_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    left_over()
    capsys.readouterr()
    assert refused(capsys) == (
        "shard 2/2 (shard-b/replicate-1.json) was measured 2030-01-03 02:14, shard 1/2 (shard-a/replicate-1.json) "
        "2030-01-04 02:14 UTC, more than 12 h apart: give shards of one night, or --different-days if that was meant"
    )
    one_night(5, hours=23)
    kept = Path("shard-b/replicate-1.json").read_bytes()
    one_night(6)
    Path("shard-b/replicate-1.json").write_bytes(kept)
    assert merge() == ExitCode.PASS, "begun before midnight"


def test_a_shard_that_the_baseline_has_is_the_same_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Also where shards of different days were meant, and where the merged run was written before that was asked."""
    left_over()
    before = FILE.read_bytes()
    capsys.readouterr()
    assert merge("--different-days") == ExitCode.NOT_JUDGED
    assert "both have the same shard: night/replicate-1.json and a replicate of results/" in capsys.readouterr().out
    assert main(["promote", "night", *("--force", "--reason", "hurry")]) == ExitCode.NOT_JUDGED
    assert FILE.read_bytes() == before
    assert main(["compare", "auto", "shard-b"]) == ExitCode.NOT_JUDGED
    one_night(5)
    shutil.rmtree("night")
    assert merge() == ExitCode.PASS


def test_a_run_merged_before_shards_had_ids_is_still_read() -> None:
    one_night(1)
    merge()
    path = Path("night/replicate-1.json")
    data = json.loads(path.read_text())
    for shard in data["perfkit"]["shards"]:
        del shard["run_id"]
    path.write_text(json.dumps(data))
    assert read_run(path).replicate.shard_ids is None
    assert main(["promote", "night", "--reason", "first"]) == ExitCode.PASS
    assert "shard_ids" not in FILE.read_text()


def test_a_shard_that_died_makes_an_incomplete_run(capsys: pytest.CaptureFixture[str]) -> None:
    write_shards()
    path = Path("shard-b/replicate-2.json")
    data = json.loads(path.read_text())
    data["perfkit"]["incomplete"] = "1 of 6 tests are left"
    path.write_text(json.dumps(data))
    merge()
    assert read_run(Path("night/replicate-2.json")).incomplete == "shard 2/2: 1 of 6 tests are left"
    capsys.readouterr()
    assert main(["promote", "night"]) == ExitCode.USAGE
    assert "is incomplete (shard 2/2: 1 of 6 tests are left)" in capsys.readouterr().err


def test_machines_that_differ_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    write_shards()
    for folder, node in zip(NAMES, ("runner-a", "runner-b"), strict=True):
        for path in Path(folder).iterdir():
            data = json.loads(path.read_text())
            data["machine_info"]["node"] = node
            path.write_text(json.dumps(data))
    merge()
    err = capsys.readouterr().err
    assert err.count("machines differ") == 1
    assert "perfkit: machines differ: node runner-a (shard 1), runner-b (shard 2)" in err


def test_the_page_has_the_readings_of_each_machine() -> None:
    write_shards()
    for folder, mhz in zip(NAMES, (2100, 2900), strict=True):
        for path in Path(folder).iterdir():
            data = json.loads(path.read_text())
            data["perfkit"]["machine_state"] = {"start_cpu_mhz": mhz, "end_cpu_mhz": mhz + 1}
            path.write_text(json.dumps(data))
    merge()
    runs = read_runs(Path("night"))
    overview = overview_of(Report(judge(None, runs), tuple(runs), details=tuple(read_details(Path("night")))))
    assert overview.readings == (
        ("cpu_mhz (shard 1)", ("2100 → 2101",) * 2),
        ("cpu_mhz (shard 2)", ("2900 → 2901",) * 2),
    )


def _other_commit() -> None:
    for path in Path("shard-b").iterdir():
        data = json.loads(path.read_text())
        data["commit_info"]["id"] = "f" * 40
        path.write_text(json.dumps(data))


def _no_shard() -> None:
    Path("shard-b/replicate-1.json").write_text(json.dumps(run_data()))


def _no_file() -> None:
    shutil.rmtree("shard-b")
    Path("shard-b").mkdir()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda: shutil.rmtree("shard-b"), "shard-b: is no folder; give those that perfkit run --shard wrote"),
        (
            lambda: Path("shard-b/replicate-2.json").unlink(),
            "shard-b: has no replicate-2, and shard-a has; measure it anew",
        ),
        (_no_file, "shard-b: holds no run (*.json)"),
        (lambda: Path("shard-b/replicate-1.json").write_text("{"), "shard-b/replicate-1.json: not whole JSON"),
        (_no_shard, "shard-b/replicate-1.json: is no shard; perfkit run --shard measures those"),
        (_other_commit, "shard 2/2 (shard-b/replicate-1.json) is not of one run with shard 1/2"),
        (
            lambda: [shutil.copy(path, "shard-b") for path in Path("shard-a").iterdir()],
            "shard 1/2 is there 2 times, shard-a/replicate-1.json and shard-b/replicate-1.json: leave one",
        ),
        (lambda: Path("night").mkdir(), "night: is there already; name a folder to make"),
    ],
)
def test_what_is_no_run_is_refused_and_nothing_written(
    damage: Callable[[], object], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_shards()
    damage()
    assert refused(capsys).startswith(told)


def test_the_wrong_folders_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    write_shards()
    line = "shard 2/2 is missing beside shard-a/replicate-1.json; a run is all 2 of them"
    assert refused(capsys, "shard-a") == line
    assert refused(capsys, "shard-a", "shard-a") == "a shard is named twice; give each folder once"
    Path("results/baselines").mkdir(parents=True)
    FILE.write_text("{")
    assert refused(capsys).startswith(f"{FILE}: not whole JSON")
