"""The commands of the pages, run one by one by a shell, in projects whose measuring takes no time."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.projects import BENCHMARK
from tests.support import program_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
WALKED = "docs/tutorial.md"
"""Has a test of its own, which knows what each of its commands prints."""
PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
    if path.relative_to(ROOT).as_posix() != WALKED
]
_BLOCK = re.compile(r"^( *)```(?:sh|console|bash|shell)\b.*?\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"(?:^|\s+)#\s.*$")
_SUITE = """
[suites.{name}]
models = {models}
shapes = [[1, 3, 224, 224]]
[suites.{name}.variants]
cpu = ["eager-fp32", "openvino-fp32"]
"""
_SUITES = {
    "quick": ["mobilenet_v2", "resnet18", "resnet50"],
    "nightly": ["mobilenet_v2", "resnet18", "resnet50"],
    "nightly-fp16": ["efficientnet_b0", "vit_b_16"],
}
"""Named as on the pages, with a CPU's variants in all of them."""
_WITHOUT = "-p no:hypothesispytest -p no:xdist -p no:cacheprovider"
"""Plugins of others that the projects don't need: a process starts in half the time."""


@dataclass(frozen=True)
class Step:
    """A command of a page, by how it starts there, and what the page lets one expect of it."""

    command: str
    code: int = 0
    says: str = ""
    """A regular expression that is found in what it prints."""
    leaves: str = ""
    """A pattern of files, one of which is there afterwards."""
    before: Callable[[Path], object] | None = None
    """What the page takes for granted at this command, made in the project's folder."""
    why_not: str = ""
    """Why it isn't run."""


def left_out(why: str, *commands: str) -> list[Step]:
    return [Step(command, why_not=why) for command in commands]


def commands_of(page: str) -> list[str]:
    """In their order, each on one line and without its comment."""
    text = (ROOT / page).read_text("utf-8")
    lines = [line for _, block in _BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    return [command for line in lines if (command := _COMMENT.sub("", line).strip())]


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, env=environment(folder), check=True, capture_output=True)


def commit(folder: Path, message: str) -> None:
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", message)


def project(folder: Path) -> Path:
    """Committed, with a remote that has the same; nothing was measured yet."""
    (folder / "benchmarks").mkdir(parents=True)
    (folder / "benchmarks" / "test_latency.py").write_text(BENCHMARK, encoding="utf-8")
    suites = [_SUITE.format(name=name, models=json.dumps(models)) for name, models in _SUITES.items()]
    (folder / "perfkit.toml").write_text("".join(suites), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --benchmark-storage=file://./results\n", encoding="utf-8")
    ignored = ("results/*", "!results/baselines/", ".perfkit/", "__pycache__/", "log.txt", "tmp/", "home/")
    (folder / ".gitignore").write_text("\n".join(ignored) + "\n", encoding="utf-8")
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "A suite")
    git(folder, "init", "-q", "--bare", "tmp/origin.git")
    git(folder, "remote", "add", "origin", "tmp/origin.git")
    git(folder, "push", "-q", "-u", "origin", "main")
    return folder


def measured(folder: Path) -> Path:
    """The same with three replicates in results/runs/, which are its committed baseline, and a night behind them."""
    project(folder)
    ended(folder, "perfkit run --replicates 3", 10)
    ended(folder, "perfkit promote results/runs/*", 0)
    commit(folder, "The first baseline")
    git(folder, "push", "-q")
    ended(folder, "perfkit run --replicates 1", 0)
    shutil.rmtree(folder / "tmp" / "shell")  # a copy of the folder has one of its own
    return folder


def environment(folder: Path) -> dict[str, str]:
    """Of the commands: perfkit and its made-up times are found, all that is written is below the folder."""
    own = program_environment()
    for name in ("PERFKIT_HISTORY", "PERFKIT_CACHE", "PERFKIT_ENGINE_KEY_FILE", "PYTHONDONTWRITEBYTECODE"):
        own.pop(name, None)
    for name in ("tmp", "home"):
        (folder / name).mkdir(exist_ok=True)
    people = {f"GIT_{who}_{what}": "ana@test.invalid" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {
        **own,
        **people,
        "GIT_CONFIG_NOSYSTEM": "1",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "COLUMNS": "200",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), own["PATH"]]),
        "PYTHONPATH": os.pathsep.join([own["PYTHONPATH"], str(ROOT)]),
        "PYTEST_ADDOPTS": f"-p tests.docs.made_up_times {_WITHOUT}",
    }


def ended(folder: Path, command: str, code: int) -> str:
    """Runs it where the command before has left the shell, and with its exports; what it printed."""
    shell = folder / "tmp" / "shell"
    before = f'. "{shell}/exports"; cd "$(cat "{shell}/folder")"' if shell.exists() else f'mkdir -p "{shell}"'
    after = f'code=$?; export -p > "{shell}/exports"; pwd > "{shell}/folder"; exit $code'
    done = subprocess.run(
        ["bash", "-c", f"{before}\n{command}\n{after}"],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == code, f"{command}\n{done.stdout}"
    return done.stdout


def walk(page: str, steps: Sequence[Step], folder: Path, named: Mapping[str, str]) -> None:
    """Runs the page's commands with real names in the place of those that stand for them."""
    for shown, step in zip(commands_of(page), steps, strict=True):
        if step.why_not:
            continue
        if step.before is not None:
            step.before(folder)
        command = shown
        for name, real in named.items():
            command = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", real, command)
        printed = ended(folder, command, step.code)
        assert re.search(step.says, printed, re.MULTILINE), f"{command}\n{printed}"
        assert not step.leaves or list(folder.glob(step.leaves)), f"{command}: no {step.leaves}"
