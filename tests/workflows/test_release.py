"""What may be released, and who may publish it. The workflow itself needs GitHub; its script runs here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text("utf-8"))
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]

CHANGELOG = "# Changelog\n\n## 1.2.0 (2031-01-02)\n- Faster.\n- Better.\n\n## 1.1.0 (2030-01-02)\n- Old.\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project of version 1.2.0 that may be released."""
    script = tmp_path / ".github" / "scripts" / "release"
    script.parent.mkdir(parents=True)
    shutil.copy(ROOT / ".github/scripts/release", script)
    (tmp_path / "src" / "perfkit").mkdir(parents=True)
    (tmp_path / "src" / "perfkit" / "__init__.py").write_text('"""perfkit."""\n\n__version__ = "1.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


def release(checkout: Path, tag: str) -> subprocess.CompletedProcess[str]:
    script = checkout / ".github" / "scripts" / "release"
    return subprocess.run(["bash", str(script), tag], capture_output=True, text=True, check=False, timeout=60)


def test_a_tag_that_is_the_version_is_released_with_the_changelogs_words(checkout: Path) -> None:
    done = release(checkout, "v1.2.0")
    assert (done.returncode, done.stdout, done.stderr) == (0, "- Faster.\n- Better.\n", "")


@pytest.mark.parametrize("tag", ["1.2.0", "v1.2.1", "v1.2", "v1.2.0rc1", "v1x2.0"])
def test_another_tag_is_refused(checkout: Path, tag: str) -> None:
    done = release(checkout, tag)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"the tag is {tag}, but src/perfkit/__init__.py says 1.2.0: tag v1.2.0, or raise the version first\n"
    )


@pytest.mark.parametrize("version", ["1.2", "1.2.0rc1", "01.2.0", "1.2.0+local", ""])
def test_a_version_is_semantic(checkout: Path, version: str) -> None:
    (checkout / "src/perfkit/__init__.py").write_text(f'__version__ = "{version}"\n')
    done = release(checkout, f"v{version}")
    assert done.returncode == 1
    assert done.stderr == f"src/perfkit/__init__.py: __version__ is '{version}' and not MAJOR.MINOR.PATCH\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CHANGELOG.replace("1.2.0 (2031-01-02)", "Unreleased"), "the first heading is '## Unreleased' and not"),
        (CHANGELOG.replace("1.2.0", "1.2.01"), "the first heading is '## 1.2.01 (2031-01-02)' and not"),
        (CHANGELOG.replace(" (2031-01-02)", ""), "the first heading is '## 1.2.0' and not"),
        ("# Changelog\n", "the first heading is '' and not"),
        (CHANGELOG.replace("- Faster.\n- Better.\n", ""), "nothing stands below '## 1.2.0 (2031-01-02)'"),
    ],
)
def test_the_changelog_tells_of_the_version_first(checkout: Path, text: str, message: str) -> None:
    (checkout / "CHANGELOG.md").write_text(text)
    done = release(checkout, "v1.2.0")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"CHANGELOG.md: {message}")


def test_tags_alone_are_released_and_only_what_was_tried() -> None:
    assert WORKFLOW[True] == {"push": {"tags": ["v*"]}}  # YAML 1.1 reads `on` as true
    assert [(name, job.get("needs")) for name, job in JOBS.items()] == [
        ("build", None),
        ("try", "build"),
        ("publish", "try"),
        ("announce", "publish"),
    ]
    classifiers = (ROOT / "pyproject.toml").read_text("utf-8")
    for version in JOBS["try"]["strategy"]["matrix"]["python"]:
        assert f"Python :: {version}" in classifiers


def test_one_job_alone_has_the_identity_that_publishes_and_it_runs_nothing_of_the_checkout() -> None:
    writing = {name: job["permissions"] for name, job in JOBS.items() if "write" in job["permissions"].values()}
    assert writing == {
        "publish": {"contents": "read", "id-token": "write"},
        "announce": {"contents": "write"},
    }
    assert JOBS["publish"]["environment"] == "pypi"
    assert JOBS["publish"]["steps"][0]["with"]["sparse-checkout"] == "requirements"
    commands = [step["run"] for step in JOBS["publish"]["steps"] if "run" in step]
    assert all("--require-hashes" in line for line in commands[0].splitlines())
    assert "secrets." not in (ROOT / ".github/workflows/release.yml").read_text("utf-8")
