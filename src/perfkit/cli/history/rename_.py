"""``perfkit history rename``: a case that is called otherwise from now on keeps its history."""

import json
from pathlib import Path
from typing import Annotated

import typer

from perfkit.catalog.renaming import Renaming
from perfkit.cli.output import JsonOption, NewNameArgument, OldNameArgument, write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.record.baseline import DEFAULT_RESULTS


def rename_in_history(
    old: OldNameArgument,
    new: NewNameArgument,
    results: Annotated[Path, typer.Option(help="The folder that holds history.sqlite.")] = DEFAULT_RESULTS,
    as_json: JsonOption = False,
) -> int:
    """Give cases another name, so that their history goes on. perfkit baseline rename does it in a baseline."""
    from perfkit.history.database import open_existing_history
    from perfkit.history.rename import rename

    renaming = Renaming(old, new)
    with open_existing_history(results) as history:
        with history.writing() as connection:
            names = rename(connection, renaming)
        where = history.where
    if not names:
        raise UserError(f"{where}: no case is {old}")
    if as_json:
        told = {"history": where, "renamed": {str(before): str(case) for before, case in names.items()}}
        write(json.dumps(told, indent=2) + "\n")
        return ExitCode.PASS
    for before, case in names.items():
        write(f"{before}  is now {case}\n")
    return ExitCode.PASS
