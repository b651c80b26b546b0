"""The whole help of every command, and what all commands have in common. UPDATE_GOLDEN=1 rewrites the texts."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from perfkit.cli import main
from perfkit.cli.app import _COMMANDS, load_command
from tests.golden import assert_golden
from tests.support import program_environment

GOLDEN = Path(__file__).parent / "golden" / "help"


def every_command() -> list[tuple[str, ...]]:
    """The program itself, its commands, and those of its groups."""
    found: list[tuple[str, ...]] = [()]
    for name in _COMMANDS:
        found.append((name,))
        found += [(name, part) for part in getattr(load_command(name), "commands", ())]
    return found


COMMANDS = every_command()
GROUPS = {(), *(command[:1] for command in COMMANDS if len(command) > 1)}


@pytest.fixture(autouse=True)
def _a_plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("FORCE_COLOR", "PY_COLORS", "TERM"):
        monkeypatch.delenv(name, raising=False)


def help_of(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    assert main([*command, "--help"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    return shown.out


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: "-".join(command) or "perfkit")
def test_the_help_of_a_command(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert_golden(GOLDEN / f"{'-'.join(('perfkit', *command))}.txt", help_of(command, capsys))


def test_what_the_list_of_commands_says_is_how_their_own_help_begins() -> None:
    own = {name: " ".join(load_command(name).help.partition("\n\n")[0].split()) for name in _COMMANDS}
    assert own == _COMMANDS


def test_no_golden_text_is_of_a_command_that_is_gone() -> None:
    expected = {f"{'-'.join(('perfkit', *command))}.txt" for command in COMMANDS}
    assert {path.name for path in GOLDEN.iterdir()} == expected


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in GROUPS], ids=" ".join)
def test_every_command_answers_scripts(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert re.search(r"^  --json ", help_of(command, capsys), re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: "-".join(command) or "perfkit")
def test_help_has_no_colour_and_fits_a_narrow_terminal(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm-256color")
    text, _, _ = help_of(command, capsys).partition("Exit codes:")
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 60


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("perfkit com", {"compare"}),
        ("perfkit baseline ", {"show", "diff", "list", "rename", "prune"}),
        ("perfkit waivers c", {"check"}),
        ("perfkit promote --f", {"--force"}),
        ("perfkit compare --format ", {"terminal", "markdown", "json"}),
    ],
)
def test_a_shell_completes_commands_options_and_values(words: str, expected: set[str]) -> None:
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_PERFKIT_COMPLETE": "complete_bash"}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from perfkit.cli import main; sys.exit(main())"],
        env={**program_environment(), **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) == expected


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_complete_as_well(shell: str) -> None:
    asked = {"_PERFKIT_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": "perfkit baseline re"}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from perfkit.cli import main; sys.exit(main())"],
        env={**program_environment(), **asked, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "rename" in done.stdout
    assert "prune" not in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_program_shows_the_script_that_turns_completion_on(shell: str) -> None:
    """Of the shell that it runs in; here that is told, because a test runner runs in none."""
    done = subprocess.run(
        [sys.executable, "-m", "perfkit", "--show-completion", shell],
        env={**program_environment(), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"_PERFKIT_COMPLETE=complete_{shell}" in done.stdout
