"""The composite action's steps are run as a runner would, with a made-up Python and perfkit in place of the real ones.

What GitHub does with the files around them is checked by the linters (tox -e lint) and by CI's job that calls them.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
ACTION: dict[str, Any] = yaml.safe_load((GITHUB / "actions/perfkit/action.yml").read_text("utf-8"))
WORKFLOWS: dict[str, dict[Any, Any]] = {
    path.stem: yaml.safe_load(path.read_text("utf-8")) for path in (GITHUB / "workflows").glob("*.yml")
}
CALLED = WORKFLOWS["benchmark"]
DEFAULTS = {name: str(about["default"]) for name, about in ACTION["inputs"].items()}

LOGGING = """#!/usr/bin/env bash
printf '%s %s\\n' "$(basename "$0")" "$*" >> "$LOG"
"""
PYTHON = f"""{LOGGING}
if [[ $1 == -m && $2 == venv ]]; then
  mkdir -p "$4/bin"
  cp "$0" "$4/bin/python"
fi
"""
PERFKIT = f"""{LOGGING}
case $1 in
  run) mkdir -p results/runs && echo '{{}}' > results/runs/new.json; exit "${{CODE:-0}}" ;;
  report) printf 'the report\\n' | tee "${{6:-/dev/null}}" > /dev/null ;;
esac
"""


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """A runner's folders: temp/ with an environment that has perfkit, project/."""
    (tmp_path / "project").mkdir()
    environment = tmp_path / "temp" / "perfkit" / "bin"
    environment.mkdir(parents=True)
    for path, text in (
        (environment / "perfkit", PERFKIT),
        (environment / "python", LOGGING),
        (tmp_path / "python3", PYTHON),
    ):
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    return tmp_path


def step(runner: Path, name: str, code: int = 0, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Runs a step of the action as its YAML has it, with inputs and contexts filled in."""
    (found,) = [step for step in ACTION["runs"]["steps"] if step["name"] == name]
    contexts = {f"inputs.{key}": value for key, value in {**DEFAULTS, **inputs}.items()}
    contexts |= {"github.action_path": str(GITHUB / "actions/perfkit"), "runner.temp": str(runner / "temp")}

    def filled(text: str) -> str:
        return re.sub(r"\$\{\{ (\S+) \}\}", lambda match: contexts[match[1]], text)

    assert "${{" not in found["run"]  # or an input could bring commands of its own
    variables = {key: filled(value) for key, value in found.get("env", {}).items()}
    variables |= {"RUNNER_TEMP": str(runner / "temp"), "LOG": str(runner / "log"), "CODE": str(code)}
    variables |= {"GITHUB_OUTPUT": str(runner / "output"), "GITHUB_STEP_SUMMARY": str(runner / "page")}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", found["run"]],
        cwd=runner / "project",
        env={**os.environ, "GITHUB_ACTIONS": "true", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def logged(runner: Path) -> list[str]:
    return (runner / "log").read_text("utf-8").splitlines()


@pytest.mark.parametrize(("platform", "lock"), [("cpu", "cpu.txt"), ("cuda", "gpu.txt")])
def test_it_installs_what_its_own_commit_has_locked(runner: Path, platform: str, lock: str) -> None:
    assert step(runner, "Install perfkit", platform=platform, python=str(runner / "python3")).returncode == 0
    pip = [line.removeprefix("python -m pip --disable-pip-version-check ") for line in logged(runner)[1:]]
    source = f"{GITHUB}/actions/perfkit/../../.."
    assert pip[0] == f"install -q --require-hashes -r {source}/requirements/{lock}"
    assert (ROOT / "requirements" / lock).is_file()
    assert pip[1] == f"install -q --no-deps --no-build-isolation {source}"
    assert [line.endswith("[trt]") for line in pip[2:]] == ([] if platform == "cpu" else [False, True])


def test_another_platform_is_refused(runner: Path) -> None:
    done = step(runner, "Install perfkit", platform="tpu")
    assert done.returncode == 4
    assert "platform is cpu or cuda, not tpu" in done.stdout


def test_the_project_brings_its_own_requirements_and_package(runner: Path) -> None:
    assert step(runner, "Install the project").returncode == 0
    assert not (runner / "log").exists()
    assert step(runner, "Install the project", requirements="requirements.txt", package="lib").returncode == 0
    assert [line.partition("install ")[2] for line in logged(runner)] == [
        "-q -r requirements.txt",
        "-q --no-deps ./lib",
    ]


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (1, 1), (4, 4), (10, 0), (11, 0), (70, 70)])
def test_a_verdict_fails_the_step_and_what_nobody_could_judge_is_a_warning(runner: Path, code: int, ends: int) -> None:
    done = step(runner, "Measure and judge", code, suite="mine", baseline="git:origin/main")
    assert done.returncode == ends
    assert (runner / "output").read_text("utf-8") == f"code={code}\n"
    assert ("::warning" in done.stdout) is (code in (10, 11))
    arguments = "--replicates 3 --baseline git:origin/main -- benchmarks --perfkit-suite mine --perfkit-platform cpu"
    assert logged(runner) == [f"perfkit run {arguments}"]


def test_a_shard_is_measured_alone(runner: Path) -> None:
    step(runner, "Measure and judge", shard="2/3")
    assert " --baseline auto --shard 2/3 -- benchmarks " in logged(runner)[0]


def test_a_night_may_be_given_an_end(runner: Path) -> None:
    step(runner, "Measure and judge", budget="2h", shard="2/3")
    assert " --baseline auto --shard 2/3 --budget 2h -- benchmarks " in logged(runner)[0]


def test_an_input_is_an_argument_and_never_a_command(runner: Path) -> None:
    step(runner, "Measure and judge", suite='x"; touch  stolen; "')  # two spaces: one argument has both
    assert logged(runner)[0].endswith('--perfkit-suite x"; touch  stolen; " --perfkit-platform cpu')
    assert not (runner / "project" / "stolen").exists()


def test_the_report_is_of_the_records_of_this_run(runner: Path) -> None:
    (runner / "project" / "results").mkdir()
    (runner / "project" / "results" / "old.json").write_text("{}")
    os.utime(runner / "project" / "results" / "old.json", (1, 1))
    step(runner, "Measure and judge", 1)
    assert step(runner, "Report", reports="out").returncode == 0
    formats = [line.split()[4] for line in logged(runner) if line.startswith("perfkit report")]
    assert formats == ["markdown", "html", "junit", "github-annotations"]
    assert all("old.json" not in line for line in logged(runner))
    assert (runner / "page").read_text("utf-8") == "the report\n"


def test_the_workflow_passes_on_every_input_that_the_action_takes() -> None:
    offered = set(CALLED[True]["workflow_call"]["inputs"])  # YAML 1.1 reads `on` as true
    (call,) = [step for step in CALLED["jobs"]["bench"]["steps"] if step.get("uses") == "$/.github/actions/perfkit"]
    # Several calls on the same labels wait for each other, so that shards are jobs of their caller's own.
    assert set(call["with"]) == set(ACTION["inputs"]) - {"reports", "shard"}
    assert set(call["with"]) <= offered
    defaults = {name: about.get("default") for name, about in CALLED[True]["workflow_call"]["inputs"].items()}
    assert {name: defaults[name] for name in call["with"]} == {name: DEFAULTS[name] for name in call["with"]}


def test_workflows_may_read_and_nothing_else_by_themselves() -> None:
    for workflow in WORKFLOWS.values():
        assert workflow["permissions"] == {}
    assert CALLED["jobs"]["bench"]["permissions"] == {"contents": "read"}
    assert CALLED["jobs"]["bench"]["concurrency"]["cancel-in-progress"] is False


def test_ci_must_reach_the_service_of_vulnerabilities_and_keeps_the_bill_of_materials() -> None:
    steps = WORKFLOWS["ci"]["jobs"]["supply-chain"]["steps"]
    assert [step["run"].partition("tox -e ")[2] for step in steps if "tox -e" in step.get("run", "")] == [
        "sbom",
        "audit -- --must-reach",
    ]
    (kept,) = [step for step in steps if step.get("uses", "").startswith("actions/upload-artifact@")]
    assert kept["with"]["path"] == "sbom/"


def test_no_workflow_takes_code_of_a_fork_with_rights_of_ours() -> None:
    for workflow in WORKFLOWS.values():
        assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(workflow[True])
    hosts = [job["runs-on"] for job in WORKFLOWS["nightly"]["jobs"].values()]
    assert ["self-hosted", "linux", "gpu"] in hosts
    assert "pull_request" not in WORKFLOWS["nightly"][True]


def test_actions_are_pinned_by_commit_or_our_own() -> None:
    for path in [*(GITHUB / "workflows").glob("*.yml"), *(GITHUB / "actions").rglob("*.yml")]:
        for used in re.findall(r"uses: (\S+)", path.read_text("utf-8")):
            assert used.startswith("$/.github/") or re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", used), used
