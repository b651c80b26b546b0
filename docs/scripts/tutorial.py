"""Walks docs/tutorial.md: runs its commands in order and holds what they print to what the page shows.

``python docs/scripts/tutorial.py --make`` measures really, on a machine where nothing else runs, and puts what was
printed into the page. tests/docs/test_tutorial.py walks it in seconds, with made-up times.

On the page a block ``sh`` is run and the block ``text`` behind it is what it prints; a block ``sh`` without one prints
nothing. A block below ``<!-- not run -->`` isn't. Of what is printed, measured numbers, dates, commits, the width of
columns and what stands for ``…`` may differ, and lines that are broken for it; so may notes on the machine, which some
machines need and others don't. Verdicts, counts and exit codes may not.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
import subprocess
import tempfile
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import TYPE_CHECKING

from blocks import with_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorial.md"
_BLOCK = re.compile(
    r"(?P<skip><!-- not run -->\n)?```sh\n(?P<commands>.*?)^```\n(?:\n?```text\n(?P<shown>.*?)^```\n)?",
    re.DOTALL | re.MULTILINE,
)
_COLUMNS = 100
_MOST_LINES = 3
_MARK = "\x1e"
_UNITS = ("ns", "µs", "ms", "s")
_NUMBER = re.compile(r"[+\-±]?\d[\d.,:]*")
_ON_THE_MACHINE = re.compile(
    r"two modes within \d+ of \d+ replicates(?: of both sides)?: [^;]+ rounds of one"
    r"|\d+ of \d+ rounds were disturbed and left out \([^)]+\)"
)
_COMMIT = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{7,40}\b")


@dataclass(frozen=True)
class Step:
    """Commands of the page, and the lines that it shows of what they print; None: they print nothing."""

    commands: str
    shown: list[str] | None


def steps(text: str) -> Iterator[Step]:
    """What is run, in order."""
    for block in _BLOCK.finditer(text):
        if not block["skip"]:
            yield Step(block["commands"], None if block["shown"] is None else block["shown"].splitlines())


def walk(page: Sequence[Step], folder: Path, environment: Mapping[str, str]) -> list[list[str]]:
    """Runs all of them in one shell, in a folder with a copy of the examples; the lines that each printed."""
    clone = folder / "perfkit"
    copytree(ROOT / "examples", clone / "examples", ignore=ignore_patterns("results", ".perfkit", "__pycache__"))
    _register(folder / "installed")
    (folder / "home").mkdir()
    path = os.pathsep.join(
        [str(clone.with_name("speed") / "src"), str(folder / "installed"), environment["PYTHONPATH"]]
    )
    own = {"HOME": str(folder / "home"), "PYTHONPATH": path, "COLUMNS": str(_COLUMNS), "GIT_CONFIG_NOSYSTEM": "1"}
    script = "".join(f"{step.commands}printf '{_MARK}'\n" for step in page)
    done = subprocess.run(  # noqa: S603  (the commands of the page)
        ["bash", "-c", script],  # noqa: S607
        cwd=clone,
        env={**environment, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return [part.splitlines() for part in done.stdout.split(_MARK)[:-1]]


def _register(folder: Path) -> None:
    """The example's entry points, as an editable install of the copy would have them."""
    points = tomllib.loads((ROOT / "examples/own-models/pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    info = folder / "perfkit_example-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: perfkit-example\nVersion: 0.1.0\n", "utf-8")
    lines = [line for group in points for line in (f"[{group}]", *(f"{k} = {v}" for k, v in points[group].items()))]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")


def filled(shown: Sequence[str], printed: Sequence[str]) -> list[str]:
    """The lines that the page shows with tonight's numbers; lines of ``…`` alone stay.

    Raises ValueError with the line that isn't printed, in its place.
    """
    found, position, printed = [], 0, _without_notes(printed)
    for number, line in enumerate(shown):
        if line.strip() == "…":
            found.append(line)
            continue
        may_skip = number > 0 and shown[number - 1].strip() == "…"
        pattern = re.compile(_pattern(line))
        rest = range(position, len(printed) if may_skip else min(position + 1, len(printed)))
        places = ((at, at + length) for at in rest for length in range(1, _MOST_LINES + 1))
        at, end = next((place for place in places if pattern.fullmatch(_unbroken(printed[slice(*place)]))), (0, 0))
        if not end:
            what = "\n".join(printed[position:] if may_skip else printed[position : position + 1])
            raise ValueError(f"the page shows\n{line}\nand this is printed:\n{what}")
        found += [line] if "…" in line else [part.rstrip() for part in printed[at:end]]
        position = end
    if position < len(printed) and (not shown or shown[-1].strip() != "…"):
        raise ValueError("printed, and not on the page:\n" + "\n".join(printed[position:]))
    return found


def _without_notes(printed: Sequence[str]) -> list[str]:
    """Without what is said of the machine that measured, in lines as long as the others."""
    left: list[str] = []
    at = 0
    while at < len(printed):
        end = next((end for end in range(len(printed), at, -1) if _unbroken(printed[at:end])), at + 1)
        text = _unbroken(printed[at:end])
        remarks = [remark for remark in text.strip().split("; ") if not _ON_THE_MACHINE.fullmatch(remark)]
        indent = text[: len(text) - len(text.lstrip())]
        if "; ".join(remarks) == text.strip():
            left += printed[at:end]
        else:
            left += textwrap.wrap("; ".join(remarks), _COLUMNS, initial_indent=indent, subsequent_indent=indent)
        at = end
    return left


def _unbroken(lines: Sequence[str]) -> str:
    """Lines as the one that the terminal's width has broken, or nothing where it had no reason to."""
    text = lines[0].rstrip()
    for line in lines[1:]:
        words = line.split()
        if not words or len(text.rpartition("\n")[2]) + 1 + len(words[0]) <= _COLUMNS:
            return ""
        text += f"\n{line.strip()}"
    return text.replace("\n", " ")


def _pattern(line: str) -> str:
    """As a regular expression: any number, commit and width of a column, any text for ``…``; counts as they are."""
    words = re.split(r"(\s+|─+|…)", line.rstrip())
    parts = []
    for position, word in enumerate(words):
        unit = words[position + 2] if position + 2 < len(words) else ""
        if word == "…":
            parts.append(".*")
        elif word.isspace():
            parts.append(r"\s+")
        elif word.startswith("─"):
            parts.append("─+")
        elif re.fullmatch(r"\d+,?", word) and unit.rstrip(",") not in _UNITS:
            parts.append(word)
        else:
            plain = re.escape(_NUMBER.sub("\x01", _COMMIT.sub("\x00", word)))
            parts.append(plain.replace("\x00", "[0-9a-f]+").replace("\x01", _NUMBER.pattern))
    return "".join(parts)


def made(text: str, printed: Sequence[Sequence[str]]) -> str:
    """The page with what was printed in the place of what it showed."""
    left = iter(printed)

    def replaced(block: re.Match[str]) -> str:
        if block["skip"]:
            return block[0]
        lines = next(left)
        if block["shown"] is None:
            filled([], lines)
            return block[0]
        return block[0].replace(block["shown"], "\n".join(filled(block["shown"].splitlines(), lines)) + "\n")

    return _BLOCK.sub(replaced, text)


def origin() -> str:
    """Where the page's numbers are from."""
    from perfkit.measure import machine

    today = dt.datetime.now(dt.UTC).date()
    return (
        f"These were measured on {machine.cpu_name()} x{machine.cpu_count()}, {today}, by `docs/scripts/tutorial.py`."
    )


def main() -> str:
    """The page with what its commands print here, really measured."""
    text = PAGE.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        source = str(ROOT / "src")
        printed = walk(list(steps(text)), Path(folder), {**os.environ, "PYTHONPATH": source})
    return made(text, printed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--make", action="store_true", help="write the page")
    options = parser.parse_args()
    page = main()
    if options.make:
        PAGE.write_text(page, "utf-8")
        PAGE.write_text(with_blocks(PAGE, {"origin": [origin()]}), "utf-8")
