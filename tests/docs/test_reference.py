"""The reference pages are what the code says, and name all of it."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.judge.verdict import FindingKind, Moved, RefusalKind, Verdict
from perfkit.report.exporter import Format
from tests.cli.test_help import COMMANDS

if TYPE_CHECKING:
    from enum import StrEnum

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS / "scripts")
        return runpy.run_path(str(DOCS / "scripts" / "reference.py"))


def test_the_pages_are_what_the_script_makes(script: dict[str, Any]) -> None:
    pages = script["pages"]()
    assert {path.relative_to(DOCS).as_posix() for path in pages} >= {
        path.relative_to(DOCS).as_posix() for path in (DOCS / "reference").iterdir()
    }
    for path, text in pages.items():
        assert path.read_text("utf-8") == text, path


def test_every_command_has_a_section() -> None:
    lines = (DOCS / "reference" / "cli.md").read_text("utf-8").splitlines()
    headings = {line.lstrip("# ") for line in lines if line.startswith("##")}
    assert headings == {*(f"perfkit {' '.join(command)}" for command in COMMANDS if command), "pytest"}


def test_every_format_has_a_row() -> None:
    table = (DOCS / "reports.md").read_text("utf-8").partition("## Formats\n")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines()[2:]]
    assert [name for row in rows for name in re.findall(r"`([^`]+)`", row)] == list(Format)


@pytest.mark.parametrize("kind", [Verdict, Moved, FindingKind, RefusalKind])
def test_nothing_that_a_judgement_says_is_without_a_meaning(script: dict[str, Any], kind: type[StrEnum]) -> None:
    told = script["documented"](kind)
    assert [member.name for member in kind if not told[member.name][1]] == []
