"""``perfkit baseline``: what the reviewed levels are, where they came from, and what changed. One file a command."""

from importlib import import_module

import typer

_COMMANDS = ("show", "diff", "list", "rename", "prune")

baseline = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@baseline.callback()
def _baseline() -> None:
    """Look at baselines, rename their cases, thin them out: show, diff, list, rename, prune.

    Runs get into a baseline by perfkit promote.
    """


for _name in _COMMANDS:
    # list is no name for a function of ours.
    baseline.command(_name)(getattr(import_module(f"perfkit.cli.baseline.{_name}_"), f"{_name}_baseline"))
