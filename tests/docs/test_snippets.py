"""What stands in the pages to be copied is what perfkit, or a parser of shell, YAML and Python, takes."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml

from perfkit.catalog.config import Config, load_config
from perfkit.catalog.waivers import load_waivers
from perfkit.cli import main
from tests.cli.test_help import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(language: str) -> list[tuple[str, str]]:
    return [
        (path.relative_to(ROOT).as_posix(), text)
        for path in PAGES
        for found, text in _BLOCK.findall(path.read_text("utf-8"))
        if found == language
    ]


def perfkit_lines() -> list[tuple[str, str]]:
    """Every line that starts perfkit, without what a shell does with it."""
    lines = []
    for page, text in blocks("sh"):
        for line in text.replace("\\\n", " ").splitlines():
            command = re.split(r"\s#|\s\|\s|\|\||;|>", line.strip())[0].strip()
            if re.match(r"perfkit\s", command):
                lines.append((page, command))
    return lines


def test_there_is_something_to_check() -> None:
    assert len(perfkit_lines()) > 40
    assert all(len(blocks(language)) > 1 for language in ("sh", "toml", "yaml", "python"))


@cache
def help_of(command: tuple[str, ...]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main([*command, "--help"]) == 0
    return out.getvalue()


@pytest.mark.parametrize(("page", "line"), perfkit_lines())
def test_commands_and_options_exist(page: str, line: str) -> None:
    words = shlex.split(line)[1:]
    words = words[: words.index("--")] if "--" in words else words
    if words[0].startswith("-"):
        assert words[0] in ("--install-completion", "--help", "--version")
        return
    command = max((known for known in COMMANDS if tuple(words[: len(known)]) == known), key=len)
    assert command, f"{page}: {line}"
    command = ("history", "show") if command == ("history",) else command  # what CASE alone is short for
    for option in (word.partition("=")[0] for word in words if word.startswith("-")):
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", help_of(command)), f"{page}: {line}"


@pytest.mark.parametrize(("page", "text"), blocks("sh"))
def test_shell_is_shell(page: str, text: str) -> None:
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), page


@pytest.mark.parametrize(("page", "text"), blocks("toml"))
def test_configuration_is_taken(page: str, text: str, tmp_path: Path) -> None:
    tables = tomllib.loads(text)
    if "waiver" in tables:
        (tmp_path / "perfkit-waivers.toml").write_text(text, encoding="utf-8")
        assert len(load_waivers(tmp_path)) == len(tables["waiver"])
    elif set(tables) <= set(Config.model_fields):
        if any("models" not in suite for suite in tables.get("suites", {}).values()):
            return  # a key to be added to a suite
        (tmp_path / "perfkit.toml").write_text(text, encoding="utf-8")
        load_config(tmp_path)
    else:
        assert set(tables) == {"project"}, page


@pytest.mark.parametrize(("page", "text"), blocks("yaml"))
def test_workflows_are_yaml(page: str, text: str) -> None:
    assert yaml.safe_load(text), page


@pytest.mark.parametrize(("page", "text"), blocks("python"))
def test_python_compiles(page: str, text: str) -> None:
    compile(text, page, "exec")
