"""docs/tutorial.md is walked, command by command, with made-up times; what of its outputs may differ."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import program_environment

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "docs" / "scripts"
MODES = "two modes within 4 of 8 replicates of both sides: 0.2814 ms in 12 and 0.5511 ms in 18 rounds of"
"""As wide as the terminal: its last word is on the next line."""


@pytest.fixture(scope="module")
def tutorial() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPTS)
        return runpy.run_path(str(SCRIPTS / "tutorial.py"))


def test_every_command_prints_what_the_page_shows(tutorial: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()  # the locks of devices are there
    own = program_environment()
    for name in ("PERFKIT_HISTORY", "PYTHONDONTWRITEBYTECODE"):
        own.pop(name, None)
    environment = {
        **own,
        "PYTHONPATH": os.pathsep.join([own["PYTHONPATH"], str(ROOT)]),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), own["PATH"]]),
        "PYTEST_ADDOPTS": "-p tests.docs.made_up_times -p no:hypothesispytest -p no:xdist -p no:cacheprovider",
        "PYTHONPYCACHEPREFIX": str(tmp_path / "compiled"),  # once for all of the page's processes
        "TMPDIR": str(tmp_path / "tmp"),
    }
    text = tutorial["PAGE"].read_text("utf-8")
    steps = list(tutorial["steps"](text))
    assert len(steps) > 10
    printed = tutorial["walk"](steps, tmp_path, environment)
    assert len(printed) == len(steps)
    for step, lines in zip(steps, printed, strict=True):
        tutorial["filled"](step.shown or [], lines)
    assert tutorial["made"](text, printed).count("```") == text.count("```")


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        (["1.64x → 1.6x (-1.8% ±3.1), 210 µs"], ["12.04x → 1.1x (+10.8% ±0.1), 9 µs"]),
        (["2026-11-26 11:34  0.8 ms"], ["2027-01-02 03:04  12 ms"]),
        (["a  b", "─────"], ["a     b", "──"]),
        (["1a2b3c4 Warm up"], ["abcdef1 Warm up"]),
        (["…", "the end"], ["one", "two", "the end"]),
        (["the start", "…"], ["the start", "one"]),
        (["wrote results/….json: 5"], ["wrote results/amd-epyc-x2.json: 5"]),
        (["judged by (…); next: go", "the end"], [f"judged by ({'x' * 80}); next:", "go", "the end"]),
        (["…", "by (…); go", "the end"], ["one", f"by ({'x' * 96});", "    go", "the end"]),
        (["1 PASS", "next"], ["1 PASS", f"    {MODES}", "    one", "next"]),
        (["  slower (wall)"], ["  3 of 94 rounds were disturbed and left out (others were busy: 3); slower (wall)"]),
    ],
)
def test_what_may_differ(tutorial: dict[str, Any], shown: list[str], printed: list[str]) -> None:
    assert len(tutorial["filled"](shown, printed)) == len(shown)


def test_a_line_may_be_broken_for_longer_numbers(tutorial: dict[str, Any]) -> None:
    line = "    wall time 128 µs → 256 µs, +99.1%, [+92.3%, +106.2%], detects 6.5%, replicates 5 → 5, REGRESSED"
    longer = "    wall time 244 µs → 522 µs, +113.5%, [+67.6%, +172.0%], detects 54.7%, replicates 5 → 5,"
    assert tutorial["filled"]([line], [longer, "    REGRESSED"]) == [longer, "    REGRESSED"]


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        (["1 PASS"], ["1 REGRESSED"]),
        (["1 PASS"], ["1 PASS", "1 REGRESSED"]),
        (["1 PASS", "exit code 0"], ["1 PASS"]),
        (["…", "1 PASS", "exit code 0"], ["1 PASS", "1 REGRESSED", "exit code 0"]),
        (["10 ms"], ["10 s"]),
        (["1 PASS", "next"], ["1 PASS", f"    {MODES}", "    one; slower (wall)", "next"]),
        (["exit code 0"], ["exit code 1"]),
        (["1 REGRESSED, 1 PASS"], ["1 REGRESSED, 2 PASS"]),
        ([], ["a warning"]),
        (["judged by (…); next: go"], ["judged by (x); next:", "go"]),
        (["judged by … of 2: 1 PASS"], ["judged by 1 REGRESSED", "of 2: 1 PASS"]),
        (["judged by (…); next: go"], [f"judged by ({'x' * 80}); next:", "stop"]),
    ],
)
def test_what_may_not(tutorial: dict[str, Any], shown: list[str], printed: list[str]) -> None:
    with pytest.raises(ValueError, match="the page"):
        tutorial["filled"](shown, printed)


def test_a_page_that_is_made_anew_has_what_was_printed(tutorial: dict[str, Any]) -> None:
    page = "a\n```sh\nls\n```\n```text\nx 1 ms\n…\n```\n<!-- not run -->\n```sh\nrm -r .\n```\n```sh\ntrue\n```\nb\n"
    assert [step.commands for step in tutorial["steps"](page)] == ["ls\n", "true\n"]
    assert tutorial["made"](page, [["x 27 ms", "y"], []]) == page.replace("x 1 ms", "x 27 ms")
