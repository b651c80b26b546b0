"""``perfkit baseline prune``: cases that are gone out of a baseline, and replicates beyond the newest."""

import json
from dataclasses import replace
from typing import Annotated

import typer

from perfkit.cli.baseline.common import NameArgument, ResultsOption, find_file
from perfkit.cli.output import JsonOption, write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.judge.objections import cases_of, chooser
from perfkit.record.baseline import DEFAULT_RESULTS, read_reviewed, write_baseline
from perfkit.record.dates import now
from perfkit.record.lock import locked_folder
from perfkit.record.provenance import Change, who
from perfkit.record.pruned import pruned
from perfkit.report.text import printable


def prune_baseline(
    name: NameArgument = None,
    cases: Annotated[
        str | None, typer.Option(metavar="GLOB", help="Remove the cases whose MODEL/VARIANT/SHAPE fits.")
    ] = None,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Keep so many replicates of each case, the newest.  [default: all]")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in the file, and needed with --cases.")] = "",
    results: ResultsOption = DEFAULT_RESULTS,
    as_json: JsonOption = False,
) -> int:
    """Remove cases that no longer exist, or replicates beyond the newest. Anchors of the cases that stay are kept."""
    if cases is None and keep is None:
        raise UserError("nothing to prune: give --cases GLOB or --keep N")
    if cases is not None and not reason.strip():
        raise UserError("--cases removes what later runs are held to: say why with --reason")
    path = find_file(name, results)
    with locked_folder(path.parent):
        baseline = read_reviewed(path)
        is_gone = chooser(cases) if cases is not None else lambda _: False
        left = pruned(baseline, is_gone, keep)
        gone = sorted(cases_of(baseline) - cases_of(left))
        if cases is not None and not gone:
            raise UserError(f"{path}: no case fits {cases!r}; see perfkit baseline show")
        if not left.replicates:
            raise UserError(f"{path}: nothing would be left; remove the file instead")
        change = Change(action="prune", datetime=now(), by=who(), reason=reason.strip(), cases=cases)
        samples, after = (sum(len(r.samples) for r in side.replicates) for side in (baseline, left))
        if after < samples:
            write_baseline(path, replace(left, changes=(*left.changes, change)))
    if as_json:
        told = {"baseline": str(path), "cases_removed": [str(case) for case in gone], "samples": [samples, after]}
        write(json.dumps(told, indent=2) + "\n")
        return ExitCode.PASS
    for case in gone:
        write(printable(f"{case}  removed") + "\n")
    write(f"{path}: {samples} samples → {after}, {len(left.replicates)} replicates left\n")
    return ExitCode.PASS
