"""What the commands share for printing: formats, and text that any terminal takes."""

from __future__ import annotations

import os
import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.catalog.config import load_config
from perfkit.catalog.waivers import load_waivers
from perfkit.errors import UserError
from perfkit.judge.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfkit.catalog.waivers import Waiver
    from perfkit.judge.verdict import Judgement
    from perfkit.record.baseline import Baseline
    from perfkit.record.replicate import Run

_NARROWEST = 20
"""Below this no case's name can be read anyway."""
_WIDTH_WITHOUT_TERMINAL = 140
"""Logs and files scroll sideways; a folded table is hard to read."""


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

OldNameArgument = Annotated[
    str, typer.Argument(metavar="OLD", help="MODEL/VARIANT/SHAPE as it was; a * is any: 'resnet50/*/*'.")
]
NewNameArgument = Annotated[
    str, typer.Argument(metavar="NEW", help="MODEL/VARIANT/SHAPE as it is now; a * stays as it was.")
]

JsonFormatOption = Annotated[bool, typer.Option("--json", help="The same as --format json.")]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only the cases to look at, and how it came out.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Every metric with its interval, reasons at length.")]


class Format(StrEnum):
    """How a judgement is shown; ``perfkit report`` writes more."""

    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="How to show it.")]


def project_limits() -> Limits:
    """What the configuration in the current folder says of judging.

    Raises UserError for one that can't be read.
    """
    return Limits.of(load_config(Path()))


def project_waivers() -> tuple[Waiver, ...]:
    """The waivers of the current folder.

    Raises UserError for a file that can't be read.
    """
    return load_waivers(Path())


def judged_here(baseline: Baseline | None, runs: Sequence[Run]) -> Judgement:
    """The runs against the baseline, by the configuration and the waivers of the current folder.

    Raises UserError for a file of these that can't be read.
    """
    from perfkit.judge.compare import judge

    return judge(baseline, runs, project_limits(), project_waivers())


def show(judgement: Judgement, form: Format, verbosity: int = 0) -> None:
    """Print the judgement on standard output, whose colour and width the terminal's table fits.

    `verbosity` is of that table. Each renderer is imported only where it is used.
    """
    if form is not Format.TERMINAL:
        from perfkit.report import exporter

        write(exporter.load_exporter(exporter.Format(form))(exporter.Report(judgement)).decode())
        return
    from perfkit.report import terminal

    # NO_COLOR counts when it is set to anything but nothing.
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    write(terminal.render(judgement, width=terminal_width(), color=color, verbosity=verbosity) + "\n")


def terminal_width(without: int = _WIDTH_WITHOUT_TERMINAL) -> int:
    """Of the terminal that is written to, or of $COLUMNS; `without` where there is neither."""
    return max(_NARROWEST, shutil.get_terminal_size((without, 0)).columns)


def write(text: str) -> None:
    """Print on standard output; what its encoding can't show is escaped.

    Raises UserError where it can't be written, on a full disk.
    """
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has read enough, and the exit code still tells the verdict
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise UserError(f"standard output: cannot be written: {error.strerror}") from error
