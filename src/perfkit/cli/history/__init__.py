"""``perfkit history``: what a case was through the years, and adding runs, renaming cases. One file a command."""

from typing import Any

import typer
from typer.core import TyperGroup

from perfkit.cli.history.add_ import add_to_history
from perfkit.cli.history.rename_ import rename_in_history
from perfkit.cli.history.show_ import show_history

_SHOW = "show"
_COMMANDS = (_SHOW, "add", "rename")


class _ShowsByDefault(TyperGroup):
    """``perfkit history CASE`` is ``perfkit history show CASE``: cases have slashes, and no command's name has."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [_SHOW, *args]
        return super().parse_args(ctx, args)


history = typer.Typer(cls=_ShowsByDefault, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@history.callback(options_metavar="CASE [OPTIONS] |", subcommand_metavar="COMMAND [ARGS]...")
def _history() -> None:
    """Show what CASE (MODEL/VARIANT/SHAPE, or a glob) was from run to run; add runs; rename cases.

    Runs add themselves: pytest with --benchmark-autosave or --benchmark-json, and perfkit run. The history is
    results/history.sqlite, or the database that PERFKIT_HISTORY names (postgresql+psycopg://...); none switches it off.
    """


history.command(_SHOW)(show_history)
history.command("add")(add_to_history)
history.command("rename")(rename_in_history)
