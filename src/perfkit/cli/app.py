"""The ``perfkit`` program: its commands, its exit codes, and where errors are told."""

from __future__ import annotations

import sys
from importlib import import_module
from keyword import iskeyword
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from perfkit import __version__
from perfkit.credentials import without_credentials
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.report.text import printable
from perfkit.tell import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = {
    "run": "Measure the suite several times, each in a fresh process, and judge the replicates as one run.",
    "merge": "Make one run of all its SHARDS, and judge it as perfkit run does.",
    "compare": "Judge RUN against BASE.",
    "report": "Show RUNS with their verdicts, or with --trend the history; exit code 0 whatever these are.",
    "promote": "Add RUNS to the baseline of their hardware.",
    "anonymize": "Write copies of RUNS with pseudonyms instead of hosts, users, folders, addresses and UUIDs.",
    "baseline": "Look at baselines, rename their cases, thin them out: show, diff, list, rename, prune.",
    "waivers": "Look after perfkit-waivers.toml: list, check.",
    "history": "Show what CASE (MODEL/VARIANT/SHAPE, or a glob) was from run to run; add runs; rename cases.",
    "trends": "Tell when cases changed for good: by how much, between which commits, and what software changed there.",
    "bisect": "Find the first commit at which CASE is REGRESSED, BROKEN or MISSING against what GOOD measures.",
    "import": "Take pytest-benchmark FILES that perfkit did not write: keep them as runs, and add them to the history.",
    "engines": "Look after the engine store: list, verify, sign, export, import, prune.",
    "explain": "Tell which layers were added, lost, retimed or changed precision from A to B, the largest difference "
    "first.",
    "drill": "Put faults of a known size into the suite, really or into a recorded run, and tell which of them are "
    "named.",
    "doctor": "Tell what this machine can run, with which versions, and what may disturb a measurement.",
}
"""In the order of work, each with the first paragraph of its help, so that listing them imports none.

``perfkit.cli.NAME`` holds the function, or the group of commands, NAME of each. What is no name in Python has an
underscore behind it there.
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
    """Commands that are imported when they are asked for: comparing needs nothing of doctor's, a list none of them."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What is told of it in lists and to a shell that completes its name."""
        return TyperCommand(cmd_name, help=_COMMANDS[cmd_name]) if cmd_name in _COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself, to be run or to tell its own help and options.

        Typer knows none of them by name, so the error for one that isn't there is written here; a shell that completes
        wants none.
        """
        if args[0] not in _COMMANDS and not ctx.resilient_parsing:
            ctx.fail(f"No such command {args[0]!r}; there are {', '.join(_COMMANDS)}.")
        name, listed, rest = super().resolve_command(ctx, args)
        return name, listed and load_command(args[0]), rest


def load_command(name: str) -> Any:
    """Imports one of the program's commands, or groups of commands."""
    of_python = f"{name}_" if iskeyword(name) else name
    found = getattr(import_module(f"perfkit.cli.{of_python}"), of_python)
    if isinstance(found, typer.Typer):  # a group with commands of its own
        return typer.main.get_command(found)
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name)(found)
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
