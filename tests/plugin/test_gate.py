from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from tests.projects import LARGE, MODEL, SMALL, Ended, run_pytest, saved_files, saved_run, suite, write_project

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.alone

VARIANTS = ["twin", "sibling"]
SLOWED = f"{MODEL}/sibling/{SMALL}"
ROUNDS = 12


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("gate"), suite(VARIANTS, rounds=ROUNDS))


@pytest.fixture(scope="module")
def first(project: Path) -> Ended:
    """The run from which the baseline is made."""
    return run_pytest(project, "--benchmark-autosave")


@pytest.fixture(scope="module")
def baseline(project: Path, first: Ended) -> Path:
    assert first.code == ExitCode.NOT_JUDGED, first.out
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        assert main(["promote", str(saved_files(project)[0])]) == ExitCode.PASS
    (path,) = (project / "results" / "baselines").glob("*.json")
    return path


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Tests", "-c", "user.email=tests@example.invalid", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_without_a_baseline_nothing_is_judged(first: Ended) -> None:
    """Exit code 10, although every case was measured."""
    assert first.code == ExitCode.NOT_JUDGED
    assert first.counts == {"passed": 6}
    assert len(first.verdicts("NEW")) == 6
    assert "perfkit promote" in first.out


def test_an_unchanged_run_does_not_fail(project: Path, baseline: Path) -> None:
    """A busy test machine may leave a case inconclusive; it makes none regress.

    pytest-benchmark compares with the same file in its own way, and the new one gets the next number.
    """
    again = run_pytest(project, f"--perfkit-baseline={baseline}", "--benchmark-autosave", "--benchmark-compare")
    assert again.code in (ExitCode.PASS, ExitCode.INCONCLUSIVE), again.out
    assert not again.verdicts("REGRESSED")
    assert len(again.verdicts("PASS") + again.verdicts("IMPROVED") + again.verdicts("INCONCLUSIVE")) == 6
    assert sum("(NOW)" in line for line in again.lines) == sum("(0001_" in line for line in again.lines) == 6
    assert [path.name[:5] for path in saved_files(project)] == ["0001_", "0002_"]
    assert not list(project.glob("results/**/.*"))


@pytest.mark.case("A18")
def test_a_really_slowed_case_fails_and_is_named(
    project: Path, baseline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Judged against what git has: a change can't bring its own baseline.

    That it is named alone is for made-up times to show: here a single process is measured, beside whatever else runs.
    """
    git(project, "init", "-q")
    git(project, "add", "results/baselines")
    git(project, "commit", "-q", "-m", "baseline")
    reviewed = baseline.read_text()
    baseline.write_text("{}")
    try:
        slowed = run_pytest(
            project, "--perfkit-baseline=git:HEAD", f"--perfkit-fault={SLOWED}=slow:500%", "--benchmark-autosave"
        )
    finally:
        baseline.write_text(reviewed)
    assert slowed.code == ExitCode.FAIL, slowed.out
    assert slowed.counts == {"passed": 6}
    named = slowed.verdicts("REGRESSED")
    assert SLOWED in named
    assert "git:HEAD" in slowed.out
    assert saved_run(project)["perfkit"]["injected"] == f"{SLOWED}=slow:500%"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        saved = str(saved_files(project)[-1])
        # A18: what pytest and the command say of a run is one judgement.
        assert main(["compare", "git:HEAD", saved, "--json"]) == slowed.code
        rows = json.loads(capsys.readouterr().out)["rows"]
        assert main(["promote", saved]) == ExitCode.USAGE
    assert sorted(f"{r['model']}/{r['variant']}/{r['shape']}" for r in rows if r["verdict"] == "REGRESSED") == sorted(
        named
    )


def test_a_slowed_case_that_is_waived_fails_nothing(project: Path, baseline: Path) -> None:
    waivers = project / "perfkit-waivers.toml"
    waivers.write_text(
        f'[[waiver]]\ncase = "{SLOWED}"\nmetric = "*"\nsize = "9000%"\nowner = "ana"\nreason = "a fault"\n'
        "expires = 9999-01-01\n"
    )
    try:
        slowed = run_pytest(project, f"--perfkit-baseline={baseline}", f"--perfkit-fault={SLOWED}=slow:500%")
    finally:
        waivers.unlink()
    assert slowed.verdicts("WAIVED") == [SLOWED]
    assert slowed.code in (ExitCode.PASS, ExitCode.INCONCLUSIVE), slowed.out
    assert "waived by ana until 9999-01-01" in slowed.out


def test_other_faults_are_named_for_what_they_are(project: Path, baseline: Path) -> None:
    """As perfkit drill puts them in: answers of the wrong sign, a case that vanishes, a host that spins."""
    wrong, gone, spun = f"{MODEL}/twin/{SMALL}", f"{MODEL}/sibling/{LARGE}", f"{MODEL}/twin/{LARGE}"
    faults = [f"--perfkit-fault={fault}" for fault in (f"{wrong}=wrong", f"{gone}=vanish", f"{spun}=host:500%")]
    ended = run_pytest(project, f"--perfkit-baseline={baseline}", *faults)
    assert ended.code == ExitCode.FAIL, ended.out
    assert ended.counts == {"passed": 4, "failed": 1, "deselected": 1}
    assert (ended.verdicts("BROKEN"), ended.verdicts("MISSING")) == ([wrong], [gone])
    assert spun in ended.verdicts("REGRESSED")  # not alone, perhaps: one process beside whatever else runs
    assert "answers differ from eager-fp32" in ended.out


@pytest.mark.case("C07a")
def test_what_was_deselected_or_vanished_is_missing(project: Path, baseline: Path) -> None:
    assert baseline.is_file()
    config = project / "perfkit.toml"
    whole = config.read_text()
    config.write_text(suite(["twin"], rounds=ROUNDS))
    try:
        partial = run_pytest(project, "-k", SMALL)
    finally:
        config.write_text(whole)
    assert partial.code == ExitCode.FAIL, partial.out
    assert partial.counts == {"passed": 2, "deselected": 2}
    assert set(partial.verdicts("MISSING")) == {
        f"{MODEL}/{variant}/{shape}"
        for variant, shape in [("eager-fp32", LARGE), ("twin", LARGE), ("sibling", SMALL), ("sibling", LARGE)]
    }
    table = [line for line in partial.lines if " MISSING " in line]
    assert sum("deselected" in line for line in table) == 2
    assert sum("the baseline has it, the run doesn't" in line for line in table) == 2
