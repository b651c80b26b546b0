"""The months after the first night, by the command line alone: pass, regress, waive, expire, refuse, force, drift."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from tests.support import case, slowed, usual_times, write_run

if TYPE_CHECKING:
    import pytest

HURT = case("trt-int8")
WAIVER = """
[[waiver]]
case = "resnet50/trt-int8/1x3x224x224"
metric = "*"
size = "9%"
owner = "ana"
reason = "new kernel lands next week"
expires = 2030-01-07
"""


class Project:
    """A folder with nights, each measured on its day."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch

    def night(self, day: int, factor: float = 1.0) -> str:
        """The replicates of one night, in a folder."""
        folder = Path(f"results/runs/night{day}")
        for replicate in range(2):
            path = write_run(folder, slowed(usual_times(), HURT, factor), day=day * 2 + replicate)
            data = json.loads(path.read_text())
            data["datetime"] = f"2030-01-{day:02d}T02:{replicate:02d}:00+00:00"
            path.write_text(json.dumps(data))
        today = dt.date(2030, 1, day)
        self._monkeypatch.setattr("perfkit.cli.waivers.check_.today", lambda: today)
        return str(folder)

    def says(self, *arguments: str) -> tuple[int, str]:
        """Exit code and all that a command prints, in one line."""
        self._capsys.readouterr()
        code = main(list(arguments))
        shown = self._capsys.readouterr()
        return code, " ".join((shown.out + shown.err).split())


def test_the_months_after_the_first_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    project = Project(capsys, monkeypatch)
    five_nights_pass(project)
    regressed = one_regresses(project)
    it_is_waived(project, regressed)
    later = the_waiver_expires(project)
    a_promotion_is_refused_and_forced(project, later)
    drift_is_flagged(project)


def five_nights_pass(project: Project) -> None:
    assert project.says("compare", "auto", project.night(1))[0] == ExitCode.NOT_JUDGED
    assert project.says("promote", project.night(1), "--reason", "first review")[0] == ExitCode.PASS
    for day in (2, 3, 4, 5):
        night = project.night(day)
        code, shown = project.says("compare", "auto", night)
        assert (code, "12 PASS" in shown) == (ExitCode.PASS, True), shown
        assert project.says("promote", night)[0] == ExitCode.PASS


def one_regresses(project: Project) -> str:
    regressed = project.night(6, 1.07)
    code, shown = project.says("compare", "auto", regressed)
    assert (code, "1 REGRESSED, 11 PASS" in shown) == (ExitCode.FAIL, True), shown
    assert project.says("promote", regressed)[0] == ExitCode.FAIL
    return regressed


def it_is_waived(project: Project, regressed: str) -> None:
    """Told with owner, reason and day, it fails nothing; nor does it become the level that later nights are held to."""
    Path("perfkit-waivers.toml").write_text(WAIVER)
    code, shown = project.says("compare", "auto", regressed)
    assert (code, "1 WAIVED, 11 PASS" in shown) == (ExitCode.PASS, True), shown
    assert "waived by ana until 2030-01-07, up to 9% (new kernel lands next week)" in shown
    assert project.says("waivers", "check", regressed)[0] == ExitCode.PASS
    assert project.says("promote", regressed)[0] == ExitCode.FAIL
    # A larger one isn't covered.
    assert project.says("compare", "auto", project.night(7, 1.15))[0] == ExitCode.FAIL


def the_waiver_expires(project: Project) -> str:
    """The same regression fails again, and so does the lint."""
    later = project.night(8, 1.07)
    code, shown = project.says("compare", "auto", later)
    assert (code, "ana's waiver expired on 2030-01-07" in shown) == (ExitCode.FAIL, True), shown
    code, shown = project.says("waivers", "check")
    assert (code, "expired: remove it" in shown) == (ExitCode.FAIL, True), shown
    Path("perfkit-waivers.toml").unlink()
    return later


def a_promotion_is_refused_and_forced(project: Project, later: str) -> None:
    """The file keeps why, and against what."""
    assert project.says("promote", later, "--reason", "the kernel is late")[0] == ExitCode.FAIL
    assert project.says("promote", later, "--force")[0] == ExitCode.USAGE
    code, shown = project.says("promote", later, "--force", "--reason", "the kernel is late")
    assert (code, f"accepted: {HURT} is REGRESSED" in shown) == (ExitCode.PASS, True), shown
    shown = project.says("baseline", "show")[1]
    assert "the kernel is late" in shown
    assert "first review" in shown
    for day in (9, 10):
        night = project.night(day, 1.07)
        assert project.says("compare", "auto", night)[0] == ExitCode.PASS
        assert project.says("promote", night)[0] == ExitCode.PASS


def drift_is_flagged(project: Project) -> None:
    """Further steps, none of them a regression of its night: their sum is told, and not promoted without force."""
    factor, day, shown = 1.07, 10, ""
    while day < 25 and "slow drift" not in shown:
        factor, day = factor * 1.006, day + 1
        night = project.night(day, factor)
        code, shown = project.says("compare", "auto", night)
        assert code == ExitCode.PASS, shown
        if "slow drift" not in shown:
            assert project.says("promote", night)[0] == ExitCode.PASS
            # Kept short, or its mean would lag behind so far that the steps show.
            assert project.says("baseline", "prune", "--keep", "4")[0] == ExitCode.PASS
    assert f"slow drift: 1 case, the most {HURT}: 1" in shown
    assert "slower than its anchor of 2030-01-01" in shown
    assert 1.095 < factor < 1.12
    night = project.night(day, factor)
    code, shown = project.says("promote", night, "--reason", "one more")
    assert (code, "slow drift" in shown) == (ExitCode.FAIL, True), shown
    code, shown = project.says("promote", night, "--force", "--reason", "accepted as a whole")
    assert (code, "anchor moved: " in shown) == (ExitCode.PASS, True), shown
    assert "slow drift" not in project.says("compare", "auto", project.night(26, factor))[1]
