"""Files that perfkit did not write: kept as runs, judged as far as that goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.record.foreign import Pattern
from perfkit.record.read import read_run
from tests.support import plain_data, stats_of, write_run

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = {
    "bench/test_infer.py::test_infer[resnet50-torch-224]": 4e-3,
    "bench/test_infer.py::test_infer[resnet50-trt-224]": 1e-3,
    "bench/test_infer.py::test_infer[vit_b_16-torch-224]": 9e-3,
    "bench/test_infer.py::test_infer[vit_b_16-trt-224]": 3e-3,
    "bench/test_infer.py::test_infer[vit_b_16-trt-384]": 8e-3,
    "bench/test_other.py::test_loading": 0.2,
}
PATTERN = "test_infer[{model}-{variant}-{shape}]"


def write_plain(path: Path, medians_s: Mapping[str, float] = NAMES, version: str = "4.0.0", **changes: Any) -> Path:
    data = plain_data({}) | {"version": version}
    data["benchmarks"] = [
        {"fullname": name, "name": name.rpartition("::")[2], "extra_info": {}, "stats": stats_of([median_s] * 20)}
        for name, median_s in medians_s.items()
    ]
    path.write_text(json.dumps(data | changes), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PERFKIT_HISTORY", raising=False)


@pytest.mark.parametrize("version", ["4.0.0", "5.3.1"])
def test_names_become_cases_with_speedups_and_what_is_open_is_told(
    version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    original = write_plain(Path("theirs.json"), version=version).read_text()
    assert main(["import", "theirs.json", "--pattern", PATTERN, "--reference", "torch"]) == ExitCode.PASS
    first, *rest = capsys.readouterr().out.splitlines()
    (kept,) = Path("results/imported").iterdir()
    assert first == f"{kept}: 6 benchmarks, the pattern fits 5, 2 speedups"
    told = [line.partition(": ")[2] for line in rest]
    assert "speedups of 1: no model, variant and shape, so only their times (name them by --pattern)" in told
    assert "speedups of 1: no eager-fp32 of the same model and shape, so only their times" in told
    assert "answers: nothing says that they are right" in told
    assert "engines, layers and memory: no facts of what was built" in told
    assert Path("theirs.json").read_text() == original

    speedups = {str(s.case): s.wall.log_speedup for s in read_run(kept).replicate.samples if s.wall.log_speedup}
    assert {name: round(2.718281828**log, 3) for name, log in speedups.items()} == {
        "resnet50/trt/224": 4.0,
        "vit_b_16/trt/224": 3.0,
    }
    assert main(["history", "*"]) == ExitCode.PASS
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines if "trt/224" in line] == [
        ["resnet50/trt/224", "wall", "speedup"],
        ["vit_b_16/trt/224", "wall", "speedup"],
    ]


@pytest.mark.parametrize("version", ["4.0.0", "5.3.1"])
def test_files_that_pytest_benchmark_itself_saved(version: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a suite of three benchmarks, autosaved with ``--benchmark-save-data``; the host's name is changed."""
    theirs = Path(__file__).parent / "inputs" / f"pytest-benchmark-{version}.json"
    assert json.loads(theirs.read_text())["version"] == version
    pattern = ["--pattern", "test_infer[{model}-{variant}-{shape}]", "--reference", "torch"]
    assert main(["import", str(theirs), *pattern]) == ExitCode.PASS
    shown = capsys.readouterr().out
    assert "3 benchmarks, the pattern fits 2, 1 speedup\n" in shown
    assert "can't be judged: 1 with fewer than 5 rounds: INCONCLUSIVE" in shown
    (kept,) = Path("results/imported").iterdir()
    (speedup,) = [s for s in read_run(kept).replicate.samples if s.wall.log_speedup is not None]
    assert str(speedup.case) == "resnet50/trt/224"
    assert 2 < 2.718281828 ** (speedup.wall.log_speedup or 0) < 8
    assert main(["history", "resnet50/trt/224", "--json"]) == ExitCode.PASS
    assert main(["compare", "auto", str(kept)]) == ExitCode.NOT_JUDGED


def test_imported_files_are_compared_by_their_speedups(capsys: pytest.CaptureFixture[str]) -> None:
    slow = NAMES | {"bench/test_infer.py::test_infer[resnet50-trt-224]": 1.4e-3}
    write_plain(Path("before.json"))
    write_plain(Path("after.json"), slow, datetime="2030-02-01T00:00:00+00:00")
    assert main(["import", "before.json", "after.json", "--pattern", PATTERN, "--reference", "torch"]) == ExitCode.PASS
    after, before = sorted(map(str, Path("results/imported").iterdir()))
    capsys.readouterr()
    assert main(["compare", before, after, "--format", "json"]) == ExitCode.FAIL
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["model"] for row in rows if row["verdict"] == "REGRESSED"] == ["resnet50"]
    assert rows[0]["deciding"] == "wall speedup"


def test_importing_again_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    write_plain(Path("theirs.json"))
    for _ in range(2):
        assert main(["import", "theirs.json"]) == ExitCode.PASS
    shown = capsys.readouterr().out
    assert shown.count("6 benchmarks, 0 speedups") == 2
    assert "speedups of 6: no model, variant and shape" in shown
    name = next(iter(NAMES))
    assert main(["history", name]) == ExitCode.PASS
    assert capsys.readouterr().out.startswith(f"{name}, wall time, on ")
    (kept,) = Path("results/imported").iterdir()
    assert main(["history", "add", str(kept)]) == ExitCode.PASS
    assert capsys.readouterr().out.startswith("0 added to sqlite:///results/history.sqlite, 1 known already")


def test_a_file_whose_date_cant_be_read_is_no_history_and_keeps_no_other_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """perfkit history add couldn't do it later either."""
    write_plain(Path("undated.json"), datetime="yesterday")
    write_plain(Path("dated.json"), datetime="2030-01-02T02:14:09")
    assert main(["import", "undated.json", "dated.json"]) == ExitCode.PASS
    assert capsys.readouterr().err == (
        "perfkit: not added to the history: undated.json: 'yesterday' is no date, so it has no place in a history\n"
    )
    (kept,) = Path("results/imported").glob("dated-*.json")
    assert main(["history", "add", str(kept)]) == ExitCode.PASS
    assert capsys.readouterr().out.endswith("0 added to sqlite:///results/history.sqlite, 1 known already\n")


def test_numbers_that_cant_be_true_and_few_rounds_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    write_plain(Path("theirs.json"))
    data = json.loads(Path("theirs.json").read_text())
    data["benchmarks"][0]["stats"]["median"] = -1.0
    data["benchmarks"][1]["stats"]["rounds"] = 3
    data["benchmarks"][2]["stats"]["median"] = float("nan")
    Path("theirs.json").write_text(json.dumps(data))
    assert main(["import", "theirs.json"]) == ExitCode.PASS
    shown = capsys.readouterr().out
    assert "2 broken, their numbers can't be true: bench/test_infer.py::test_infer[resnet50-torch-224]: median" in shown
    assert "bench/test_infer.py::test_infer[vit_b_16-torch-224]: median time is not a number (None)" in shown
    assert "1 with fewer than 5 rounds: INCONCLUSIVE" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pattern", "test_load[{model}-{variant}]"], "fits none of its 6 benchmarks, such as bench/test_infer.py"),
        (["--pattern", PATTERN], "no benchmark is of the variant 'eager-fp32'; give one by --reference: torch, trt"),
        (["--pattern", "{model}"], "needs {model} and {variant} once each"),
        (["--pattern", "{model}-{variant}-{size}"], "needs {model} and {variant} once each"),
        (["--pattern", "{model}-{model}-{variant}"], "needs {model} and {variant} once each"),
        (["own.json"], "own.json: is perfkit's own; import takes others' files, perfkit history add takes runs"),
        (["old.json"], "old.json: written by pytest-benchmark 3.2.0; known are 4 and 5"),
        (["other.json"], "other.json: key 'version' is missing"),
        (["nowhere.json"], "nowhere.json: cannot be read"),
    ],
)
def test_what_cant_be_imported_leaves_nothing(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_plain(Path("theirs.json"))
    write_plain(Path("old.json"), version="3.2.0")
    Path("other.json").write_text("{}")
    write_run(Path("own")).rename("own.json")
    assert main(["import", "theirs.json", *arguments]) == ExitCode.USAGE
    assert message in capsys.readouterr().err
    assert not Path("results").exists()


@pytest.mark.parametrize(
    ("pattern", "name", "fields"),
    [
        (PATTERN, "a/b.py::test_infer[m-v-s]", ("m", "v", "s")),
        (PATTERN, "a/b.py::TestX::test_infer[m-v-s-t]", ("m", "v", "s-t")),
        (PATTERN, "a/b.py::test_other[m-v-s]", None),
        ("*[{variant}-{model}]", "a/b.py::test[trt-fp16-resnet50]", ("fp16-resnet50", "trt", "any")),
        ("*[{variant} {model}]", "a/b.py::test[trt-fp16 resnet50]", ("resnet50", "trt-fp16", "any")),
        ("a/{model}.py::test_{variant}", "a/b.py::test_x", ("b", "x", "any")),
        ("test_{model}_{variant}(1.5)", "f.py::test_a_b(1.5)", ("a", "b", "any")),
        ("test_{model}_{variant}(1.5)", "f.py::test_a_b(1x5)", None),
    ],
)
def test_patterns(pattern: str, name: str, fields: tuple[str, str, str] | None) -> None:
    found = Pattern(pattern).fields(name)
    assert (None if found is None else (found["model"], found["variant"], found["shape"])) == fields


def test_what_was_imported_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    write_plain(Path("theirs.json"))
    assert main(["import", "theirs.json", "--pattern", PATTERN, "--reference", "torch", "--json"]) == ExitCode.PASS
    told = json.loads(capsys.readouterr().out)
    (kept,) = Path("results/imported").iterdir()
    assert told["files"] == [{"file": str(kept), "benchmarks": 6, "fits": 5, "speedups": 2}]
    assert "answers: nothing says that they are right" in told["cannot_be_judged"]


def test_a_name_with_controls_forges_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    name = "b.py::t\x1b[31m\nadded to results/baselines/x.json: 3 replicates"
    write_plain(Path("theirs.json"), {name: 1e-3, "b.py::other": 2e-3})
    assert main(["import", "theirs.json"]) == ExitCode.PASS
    (kept,) = Path("results/imported").iterdir()
    assert main(["promote", str(kept), "--reason", "the first"]) == ExitCode.PASS
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert not [line for line in shown.splitlines() if line.startswith("added to")]


def test_no_spreadsheet_runs_what_a_test_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    write_plain(Path("theirs.json"), {'=HYPERLINK("http://x")::t\x1b[32m': 1e-3})
    assert main(["import", "theirs.json"]) == ExitCode.PASS
    capsys.readouterr()
    assert main(["history", "*", "--csv"]) == ExitCode.PASS
    shown = capsys.readouterr().out
    assert "'=HYPERLINK" in shown
    assert "\x1b" not in shown
