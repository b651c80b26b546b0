"""``perfkit baseline rename``: a case that is called otherwise from now on keeps its replicates and its anchor."""

import json
from dataclasses import replace
from typing import Annotated

import typer

from perfkit.catalog.renaming import Renaming
from perfkit.cli.baseline.common import NameArgument, ResultsOption, find_file
from perfkit.cli.output import JsonOption, NewNameArgument, OldNameArgument, write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.record.baseline import DEFAULT_RESULTS, read_reviewed, write_baseline
from perfkit.record.dates import now
from perfkit.record.lock import locked_folder
from perfkit.record.provenance import Change, who
from perfkit.record.renamed import renamed
from perfkit.report.text import printable


def rename_baseline(
    old: OldNameArgument,
    new: NewNameArgument,
    name: NameArgument = None,
    reason: Annotated[str, typer.Option(help="Why; kept in the file.")] = "",
    results: ResultsOption = DEFAULT_RESULTS,
    as_json: JsonOption = False,
) -> int:
    """Give cases another name, or OLD is MISSING and NEW is NEW. perfkit history rename does it in the history."""
    renaming, path = Renaming(old, new), find_file(name, results)
    with locked_folder(path.parent):
        after, names = renamed(read_reviewed(path), renaming)
        if not names:
            raise UserError(f"{path}: no case is {old}; see perfkit baseline show")
        change = Change(action="rename", datetime=now(), by=who(), reason=reason.strip(), cases=f"{old} -> {new}")
        write_baseline(path, replace(after, changes=(*after.changes, change)))
    if as_json:
        told = {"baseline": str(path), "renamed": {str(before): str(case) for before, case in sorted(names.items())}}
        write(json.dumps(told, indent=2) + "\n")
        return ExitCode.PASS
    for before, case in sorted(names.items()):
        write(printable(f"{before}  is now {case}") + "\n")
    return ExitCode.PASS
