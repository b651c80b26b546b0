"""A copy of the repository to be thrown away, in which a recipe of docs/architecture.md is followed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
_TREES = ("docs", "src", "tests")
_EXAMPLES = "tests/docs/recipes"
"""What the recipes are followed with; no place that they name."""


def recipe(what: str) -> tuple[str, set[str]]:
    """The page's text on adding it, and the tests that it says prove it."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    (found,) = re.findall(rf"^- \*\*{what}\*\*: (.*?)(?=^- |^## )", text, flags=re.MULTILINE | re.DOTALL)
    text, _, proofs = str(found).partition("Proved by")
    return text, set(code(proofs))


def code(text: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", text)


def places(text: str) -> set[str]:
    """Files and folders of the repository that a recipe names; those of the package as the page does, without src/."""
    named = [span.rstrip("/") for span in code(text) if re.fullmatch(r"[\w./-]+", span)]
    found = {f"{base}{name}" for name in named for base in ("", "src/perfkit/") if (ROOT / base / name).exists()}
    return {place for place in found if not place.startswith(_EXAMPLES)}


class Copy:
    """Package, tests and pages; what is recorded is only linked to."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        for tree in _TREES:
            shutil.copytree(ROOT / tree, folder / tree)  # with what is compiled already
        (folder / "results").symlink_to(ROOT / "results")
        for path in ROOT.iterdir():
            if path.is_file():
                shutil.copy(path, folder)

    def add(self, example: str, to: str) -> Path:
        """A file of tests/docs/recipes, to a folder."""
        return Path(shutil.copy(ROOT / _EXAMPLES / example, self.root / to))

    def insert(self, path: str, line: str, *, before: str) -> None:
        """A line before that one, which is there once."""
        file = self.root / path
        first, found, rest = file.read_text("utf-8").partition(before)
        assert found
        assert before not in rest
        file.write_text(f"{first}{line}{found}{rest}", encoding="utf-8")

    def touched(self) -> set[str]:
        """Every file that is another one than in the repository."""
        files = [path for tree in _TREES for path in (self.root / tree).rglob("*") if path.is_file()]
        names = [path.relative_to(self.root) for path in files if "__pycache__" not in path.parts]
        return {name.as_posix() for name in names if not _same(self.root / name, ROOT / name)}

    def python(
        self, *arguments: str, cwd: Path | None = None, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A fresh Python that has the copy's perfkit."""
        own = {**os.environ, "PYTHONPATH": str(self.root / "src"), "COLUMNS": "80", "PERFKIT_HISTORY": "none"}
        own["COVERAGE_PROCESS_CONFIG"] = ""  # by the time of the report the copy is gone
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd or self.root,
            env={**own, **(variables or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def outcomes(self, *arguments: str) -> tuple[set[str], set[str]]:
        """Which of the copy's own tests pass and which fail; what has parameters may be both."""
        done = self.python("-m", "pytest", "-q", "-rfEp", "-p", "no:cacheprovider", *arguments)
        passed, failed = (
            set(re.findall(rf"^(?:{word}) ([^\s\[]+)", done.stdout, flags=re.MULTILINE))
            for word in ("PASSED", "FAILED|ERROR")
        )
        assert done.returncode == bool(failed), done.stdout + done.stderr
        return passed, failed

    def run(self, line: str, *more: str) -> None:
        """A command that a recipe names, which has to succeed; `more` makes it shorter."""
        words = shlex.split(line)
        variables = dict(word.split("=") for word in words if re.match(r"[A-Z_]+=", word))
        words = [word for word in words if not re.match(r"[A-Z_]+=", word)]
        assert words[0] in ("pytest", "python"), line
        done = self.python(*(["-m", "pytest"] if words[0] == "pytest" else []), *words[1:], *more, variables=variables)
        assert done.returncode == 0, done.stdout + done.stderr


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()
