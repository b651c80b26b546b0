"""``perfkit waivers``: the regressions that somebody accepts by name. One file a command."""

from importlib import import_module

import typer

_COMMANDS = ("list", "check")

waivers = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@waivers.callback()
def _waivers() -> None:
    """Look after perfkit-waivers.toml: list, check."""


for _name in _COMMANDS:
    # list is no name for a function of ours.
    waivers.command(_name)(getattr(import_module(f"perfkit.cli.waivers.{_name}_"), f"{_name}_waivers"))
