"""What the commands share for printing: formats, and text that any terminal takes."""

from __future__ import annotations

import os
import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from perfkit.catalog.config import load_config
from perfkit.catalog.waivers import load_waivers
from perfkit.judge.limits import Limits

if TYPE_CHECKING:
    from perfkit.catalog.waivers import Waiver
    from perfkit.judge.verdict import Judgement

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


def rendered(judgement: Judgement, form: Format, stream: TextIO | None, verbosity: int = 0) -> str:
    """The judgement as text in a format, ending with a newline.

    `stream` is where it will go, None for a file: colour and width fit it. `verbosity` is of the terminal's table. Each
    renderer is imported only where it is used.
    """
    if form is not Format.TERMINAL:
        from perfkit.report import exporter

        return exporter.load_exporter(exporter.Format(form))(exporter.Report(judgement)).decode()
    from perfkit.report import terminal

    is_terminal = stream is not None and stream.isatty()
    # NO_COLOR counts when it is set to anything but nothing.
    color = is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return terminal.render(judgement, width=terminal_width(), color=color, verbosity=verbosity) + "\n"


def terminal_width(without: int = _WIDTH_WITHOUT_TERMINAL) -> int:
    """Of the terminal that is written to, or of $COLUMNS; `without` where there is neither."""
    return max(_NARROWEST, shutil.get_terminal_size((without, 0)).columns)


def write(text: str, stream: TextIO | None = None) -> None:
    """Print on standard output, or on `stream`; what its encoding can't show is escaped."""
    stream = sys.stdout if stream is None else stream
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
