"""``perfkit engines``: what the engine store holds, and carrying it about. One file a command."""

from importlib import import_module

import typer

_COMMANDS = ("list", "verify", "sign", "export", "import", "prune")

engines = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@engines.callback()
def _engines() -> None:
    """Look after the engine store: list, verify, sign, export, import, prune.

    A run finds its engines there by everything that shapes them (graph, weights, profile, calibration, versions,
    hardware, driver), so that a night measures the engine that the last one measured.
    """


for _name in _COMMANDS:
    # list and import are no names for functions of ours.
    engines.command(_name)(getattr(import_module(f"perfkit.cli.engines.{_name}_"), f"{_name}_engines"))
