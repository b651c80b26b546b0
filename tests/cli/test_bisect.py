"""Real repositories of tiny commits; their command writes made-up records with the times that the commit says."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from tests.projects import REPOSITORY
from tests.support import case, program_environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CASE = case("trt-int8")
MEASURE = f"""
import json, os, sys, time
sys.path[:0] = [{str(REPOSITORY)!r}]
from pathlib import Path
from perfkit.record.schema import Outcome
from tests.support import case, edit_records, slowed, spoil, usual_times, write_run
assert sys.argv[1:] in ([], ["--", "--an-option-of-its-own"]), sys.argv
assert os.environ["PERFKIT_HISTORY"] == "none"
told = json.loads(Path("commit.json").read_text())
if told.get("touches"):
    with Path(told["touches"]).open("a") as file:
        file.write("# touched")
if told.get("crashes"):
    sys.exit(9)
times = usual_times() if "factor" not in told else slowed(usual_times(), case("trt-int8"), told["factor"])
missing = ()
if told.get("vanished"):
    del times[case("trt-int8")]
    missing = (Outcome(**case("trt-int8")._asdict(), status="not_run", reason="the run ended before it"),)
if told.get("status"):
    del times[case("trt-int8")]
    missing = (Outcome(**case("trt-int8")._asdict(), status=told["status"], reason="a flaky driver"),)
tally = Path("results/tally")
tally.parent.mkdir(exist_ok=True)
count = len(tally.read_text()) if tally.exists() else 0
tally.write_text("x" * (count + 1))
for old in Path("results").rglob("*.json") if told.get("copies") else ():
    old.write_bytes(old.read_bytes())
folder = Path("results/runs") / str(count)
made = write_run(folder, times, day=count + 1, rounds=told.get("rounds", 20), outcomes=missing)
if told.get("spoiled"):
    edit_records(made, spoil, case("trt-int8"))
if told.get("overwrites"):
    made.replace("results/run.json")
sys.exit(told.get("code", 0))
"""


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@t.invalid", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def _in_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in program_environment().items():
        monkeypatch.setenv(name, value)
    git("init", "-q")
    (tmp_path / "measure.py").write_text(MEASURE)
    (tmp_path / ".gitignore").write_text("/results/\n")
    git("add", ".")


def commits(tmp_path: Path, *told: Mapping[str, object]) -> list[str]:
    """One commit each."""
    made = []
    for number, entry in enumerate(told):
        (tmp_path / "commit.json").write_text(json.dumps({"number": number, **entry}))
        (tmp_path / "state.txt").write_text(str(number))
        git("add", ".")
        git("commit", "-q", "-m", f"commit {number}")
        made.append(git("rev-parse", "HEAD"))
    return made


def bisect(good: str, bad: str, *options: str) -> int:
    command = [sys.executable, "measure.py", "--", "--an-option-of-its-own"]
    return main(["bisect", str(CASE), good, bad, "--json", *options, "--", *command])


def test_the_commit_that_slowed_a_case_is_found(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = commits(tmp_path, *[{}] * 5, *[{"factor": 1.4, "code": 1}] * 3)
    assert bisect(made[0], made[-1]) == ExitCode.PASS
    found = json.loads(capfd.readouterr().out)
    assert found["case"] == str(CASE)
    assert found["first_bad"] == [made[5]]
    said = {step["commit"]: step["verdict"] for step in found["steps"]}
    assert said[made[-1]] == said[made[5]] == "REGRESSED"
    assert said[made[4]] == "PASS"
    assert "device speedup -28" in found["steps"][0]["told"]
    assert git("rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert not git("status", "--porcelain")

    assert main(["bisect", str(CASE), made[0], made[-1], "--", sys.executable, "measure.py"]) == ExitCode.PASS
    last = capfd.readouterr().out.splitlines()[-1]
    assert last.startswith(f"{CASE} got worse at {made[5][:7]}")
    assert last.endswith("t: commit 5")


@pytest.mark.parametrize("worse", [{"vanished": True}, {"factor": 1.4}])
def test_a_case_that_vanished_is_worse_and_one_that_cant_be_told_is_skipped(
    tmp_path: Path, worse: dict[str, object], capfd: pytest.CaptureFixture[str]
) -> None:
    unclear, crashing = {"rounds": 3}, {"crashes": True}
    made = commits(tmp_path, {}, {}, unclear, crashing, worse, worse)
    assert bisect(made[0], made[-1]) == ExitCode.INCONCLUSIVE
    captured = capfd.readouterr()
    found = json.loads(captured.out)
    assert found["first_bad"] == made[2:5]
    steps = {step["commit"]: step for step in found["steps"]}
    assert steps[made[4]]["verdict"] == ("MISSING" if "vanished" in worse else "REGRESSED")
    assert steps[made[2]]["verdict"] == "INCONCLUSIVE"
    assert steps[made[3]]["verdict"] == "SKIPPED"
    assert "left no run" in steps[made[3]]["told"]
    assert not git("status", "--porcelain")


def test_inconclusive_answers_are_repeated_before_they_are_skipped(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Three rounds are too few in any replicate; the good commit is measured as often, once more the bad one."""
    made = commits(tmp_path, {}, {"rounds": 3}, {"factor": 1.4})
    assert bisect(made[0], made[-1], "--repeats", "3") == ExitCode.INCONCLUSIVE
    assert json.loads(capfd.readouterr().out)["first_bad"] == made[1:]
    measured = [json.loads(path.read_text()) for path in tmp_path.glob("results/runs/*/*.json")]
    rounds = [run["benchmarks"][0]["stats"]["rounds"] for run in measured]
    assert rounds.count(3) == 4
    assert rounds.count(20) == 5


@pytest.mark.parametrize("way", ["overwrites", "copies"])
def test_a_run_is_known_by_what_its_file_holds(tmp_path: Path, way: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A command may write one file again and again, and copy all others from elsewhere each time."""
    made = commits(tmp_path, {way: True}, {way: True}, {way: True, "factor": 1.4}, {way: True, "factor": 1.4})
    assert bisect(made[0], made[-1]) == ExitCode.PASS
    found = json.loads(capfd.readouterr().out)
    assert found["first_bad"] == [made[2]]
    assert {step["verdict"] for step in found["steps"]} == {"REGRESSED", "PASS"}


def test_a_bad_commit_without_a_run_is_not_said_to_be_no_worse(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = commits(tmp_path, {}, {}, {"crashes": True})
    arguments = ["bisect", str(CASE), made[0], made[-1]]
    command = ["--", sys.executable, "measure.py"]
    assert main([*arguments, *command]) == ExitCode.NOT_JUDGED
    line = f"{CASE} can't be judged at BAD: the command left no run of {CASE} below {tmp_path / 'results'}: "
    assert capfd.readouterr().out == f"{line}{sys.executable} measure.py\n"
    assert main([*arguments, "--json", *command]) == ExitCode.NOT_JUDGED
    found = json.loads(capfd.readouterr().out)
    assert found["not_judged"].startswith(line)
    assert [step["verdict"] for step in found["steps"]] == ["SKIPPED"]


def test_a_bad_commit_that_is_none_ends_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = commits(tmp_path, {}, {}, {})
    assert main(["bisect", str(CASE), made[0], made[-1], "--", sys.executable, "measure.py"]) == ExitCode.INCONCLUSIVE
    shown = capfd.readouterr().out.splitlines()
    assert shown[0].startswith(f"{made[-1][:12]}  PASS")
    assert shown[1] == f"{CASE} is no worse at the bad commit than at the good one, as far as can be seen"


@pytest.mark.parametrize(
    ("good", "line"),
    [
        ({"status": "broken"}, "is BROKEN at GOOD already: a flaky driver"),
        ({"status": "not_run"}, "is MISSING at GOOD already: a flaky driver"),
        ({"status": "skipped"}, "is left out at GOOD already: a flaky driver"),
        ({"spoiled": True}, "is INCONCLUSIVE at GOOD already: most rounds were disturbed"),
    ],
)
def test_no_commit_is_named_where_the_good_one_has_no_sound_case(
    tmp_path: Path, good: dict[str, object], line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    made = commits(tmp_path, good, good, good, {"status": "broken"})
    assert bisect(made[0], made[-1], "--repeats", "0") == ExitCode.NOT_JUDGED
    found = json.loads(capfd.readouterr().out)
    assert found["first_bad"] == found["steps"] == []
    assert found["not_judged"].startswith(f"{CASE} {line}")
    assert main(["bisect", str(CASE), made[0], made[-1], "--", sys.executable, "measure.py"]) == ExitCode.NOT_JUDGED
    shown = capfd.readouterr().out
    assert shown.startswith(f"{CASE} {line}")
    assert shown.count("\n") == 1
    assert len(list(tmp_path.glob("results/runs/*/*.json"))) == 1 + 3, "nothing but GOOD was measured"
    assert git("rev-parse", "--abbrev-ref", "HEAD") == "main"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "HEAD", "--", "true"], "nowhere: names no commit here"),
        (["HEAD", "HEAD~1", "--", "true"], "git bisect refuses: "),
        (["HEAD~1", "HEAD", "--", "true"], "the command left no run of resnet50/trt-int8/1x3x224x224 below "),
        (["HEAD~1", "HEAD", "--", "no-such-program"], "no-such-program: cannot be started"),
        (["HEAD~1", "HEAD"], "Missing argument"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]) -> None:
    commits(tmp_path, {}, {})
    assert main(["bisect", str(CASE), *arguments]) == ExitCode.USAGE
    assert message in capfd.readouterr().err.splitlines()[-1]
    assert git("rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert not (tmp_path / ".git" / "BISECT_START").exists()


def test_a_changed_work_tree_and_a_bisection_under_way_are_left_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = commits(tmp_path, {}, {}, {})
    git("bisect", "start", made[2], made[0])
    assert bisect(made[0], made[2]) == ExitCode.USAGE
    assert "a git bisect is under way here" in capfd.readouterr().err
    assert git("rev-parse", "HEAD") == made[1]
    git("bisect", "reset")
    (tmp_path / "measure.py").write_text("changed")
    assert bisect(made[0], made[2]) == ExitCode.USAGE
    assert "the work tree has changes" in capfd.readouterr().err


NOT_PUT_BACK = "perfkit: the work tree isn't put back, for git bisect reset refuses: error: Your local changes"


def get_back_as_told(told: str) -> None:
    (line,) = [line for line in told.splitlines() if line.startswith(NOT_PUT_BACK)]
    assert line.endswith("to get back: git stash (-u where untracked files are in the way), then git bisect reset")
    assert "state.txt" in line
    git("stash")
    git("bisect", "reset")
    assert git("rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert "touched" in git("stash", "show", "--patch")


def test_a_command_that_changes_tracked_files_hides_no_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = commits(tmp_path, {"touches": "state.txt"}, {}, {"factor": 1.4})
    assert bisect(made[0], made[-1]) == ExitCode.USAGE
    told = capfd.readouterr().err
    assert (tmp_path / "state.txt").read_text().startswith("0# touched")
    last = told.splitlines()[-1]
    assert last.startswith("perfkit: git checkout refuses: error: Your local changes to the following files")
    assert "state.txt" in last
    get_back_as_told(told)


def test_a_found_commit_is_told_where_the_work_tree_cant_be_put_back(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The second one is measured last."""
    made = commits(tmp_path, {}, {"touches": "state.txt"}, {"factor": 1.4}, {"factor": 1.4})
    assert bisect(made[0], made[-1]) == ExitCode.PASS
    captured = capfd.readouterr()
    assert json.loads(captured.out)["first_bad"] == [made[2]]
    assert (tmp_path / "state.txt").read_text() == "1# touched"
    get_back_as_told(captured.err)


def test_a_bisection_that_git_cant_go_on_with_names_the_files(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The third one is measured first."""
    made = commits(tmp_path, {}, {}, {"factor": 1.4, "touches": "state.txt"}, {"factor": 1.4})
    assert bisect(made[0], made[-1]) == ExitCode.USAGE
    told = capfd.readouterr().err
    last = told.splitlines()[-1]
    assert last.startswith("perfkit: git bisect run ended with ")
    assert last.endswith(", see above; COMMAND changed tracked files: state.txt")
    get_back_as_told(told)


def test_tracked_files_that_a_command_changed_are_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """No commit has changed this one, so that git takes the change from commit to commit."""
    made = commits(tmp_path, {}, {}, {"factor": 1.4, "touches": ".gitignore"}, {"factor": 1.4})
    assert bisect(made[0], made[-1]) == ExitCode.PASS
    captured = capfd.readouterr()
    assert json.loads(captured.out)["first_bad"] == [made[2]]
    assert captured.err.splitlines()[-1] == "perfkit: COMMAND changed tracked files, which are left so: .gitignore"
    assert git("rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert (tmp_path / ".gitignore").read_text() == "/results/\n# touched"
