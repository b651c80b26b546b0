from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from tests.support import CPU, case, slowed, usual_times, write_run

if TYPE_CHECKING:
    from pathlib import Path

HURT = case("trt-int8")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for day in (1, 2, 3):
        write_run(tmp_path / "base", day=day)
    return tmp_path / "base"


def test_each_outcome_has_its_code(base: Path, tmp_path: Path) -> None:
    def code(name: str, **options: object) -> int:
        run = write_run(tmp_path / name, **options)  # type: ignore[arg-type]
        return main(["compare", str(base), str(run)])

    assert code("same", day=9) == ExitCode.PASS
    assert code("slow", times=slowed(usual_times(), HURT, 1.3), day=9) == ExitCode.FAIL
    assert code("other hardware", day=9, hardware=CPU) == ExitCode.NOT_JUDGED
    everything = {c: (r * 1.3, v * 1.3) for c, (r, v) in usual_times().items()}
    assert code("driver", times=everything, day=9) == ExitCode.INCONCLUSIVE
    (tmp_path / "cut.json").write_text('{"version": ')
    assert main(["compare", str(base), str(tmp_path / "cut.json")]) == ExitCode.USAGE
    assert main(["compare", str(tmp_path / "cut.json"), str(base)]) == ExitCode.USAGE
    assert main(["compare", str(base), str(base)]) == ExitCode.NOT_JUDGED


def test_formats(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "run", slowed(usual_times(), HURT, 1.3), day=9)
    shown = {}
    for form in ("terminal", "markdown", "json"):
        assert main(["compare", str(base), str(run), "--format", form]) == ExitCode.FAIL
        shown[form] = capsys.readouterr().out
    assert "▼ REGRESSED" in shown["terminal"]
    assert "\x1b" not in shown["terminal"]
    assert "| ▼ REGRESSED |" in shown["markdown"]
    assert json.loads(shown["json"])["rows"][0]["verdict"] == "REGRESSED"


def test_thirty_replicates_of_one_folder_are_one_run(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for day in (7, 8, 9):
        write_run(tmp_path / "run", day=day)
    assert main(["compare", str(base), str(tmp_path / "run"), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"]["replicates"] == 3


@pytest.mark.case("C17")
def test_a_baseline_of_another_branch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert main(["promote", str(write_run(tmp_path / "a", day=1))]) == 0
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "baseline"], check=True)
    run = write_run(tmp_path / "b", slowed(usual_times(), HURT, 1.3), day=9)
    # The change removes the baseline; on main it still stands.
    for path in (tmp_path / "results" / "baselines").iterdir():
        path.unlink()
    assert main(["compare", "git:main", str(run)]) == ExitCode.FAIL
    assert "git:main:results/baselines/made-up-gpu-x1-80gib.json" in capsys.readouterr().out
    assert main(["compare", "auto", str(run)]) == ExitCode.NOT_JUDGED
    assert main(["compare", "git:nothing", str(run)]) == ExitCode.USAGE
