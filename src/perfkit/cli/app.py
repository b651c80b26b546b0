"""The ``perfkit`` program: its commands, its exit codes, and where errors are told."""

from __future__ import annotations

import sys
from importlib import import_module
from keyword import iskeyword
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from perfkit import __version__
from perfkit.credentials import without_credentials
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.report.text import printable
from perfkit.tell import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = (
    "run",
    "merge",
    "compare",
    "report",
    "promote",
    "anonymize",
    "baseline",
    "waivers",
    "history",
    "trends",
    "bisect",
    "import",
    "engines",
    "explain",
    "drill",
    "doctor",
)
"""In the order of work; ``perfkit.cli.NAME`` holds the function, or the group of commands, NAME of each.

What is no name in Python has an underscore behind it there.
"""
_INTERRUPTED = 130
"""What a shell reports for a program that ended by SIGINT; never 1, for nothing was judged."""
_UsageError: Any = typer.BadParameter.__base__
"""The base of all that is wrong with arguments. Typer names it nowhere, and moved it once."""

_EPILOG = "\n".join(
    # The first character keeps the lines as they are.
    ["\b", "Exit codes:", *(f"  {int(code):2}  {code.meaning}" for code in ExitCode)]
)


class _LazyCommands(TyperGroup):
    """Commands that are imported when they are asked for: comparing needs nothing of doctor's."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _COMMANDS:
            return None
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        found = getattr(import_module(f"perfkit.cli.{name}"), name)
        if isinstance(found, typer.Typer):  # a group with commands of its own
            return typer.main.get_command(found)
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(cmd_name)(found)
        return typer.main.get_command(single)


app = typer.Typer(
    name="perfkit",
    cls=_LazyCommands,
    epilog=_EPILOG,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"perfkit {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Is the speedup that we ship still there? Make, compare, report and promote benchmark runs.

    One replicate is made with pytest benchmarks/ --benchmark-autosave, several with perfkit run.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; without `arguments` those of the process.

    A UserError becomes one line on standard error and exit code 4, as does wrong usage. Every
    other exception is a bug and keeps its traceback.
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        code = app(args=list(given), prog_name="perfkit", standalone_mode=False)
    except UserError as error:
        message = str(error)
    except _UsageError as error:
        command = getattr(error.ctx, "command_path", None) or "perfkit"
        message = f"{error.format_message()} (see {command} --help)"
    except typer.Abort:
        return _INTERRUPTED
    else:
        return int(code or ExitCode.PASS)
    tell(printable(without_credentials(" ".join(message.split()))))
    return int(ExitCode.USAGE)
