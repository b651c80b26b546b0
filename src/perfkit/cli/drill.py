"""``perfkit drill``: whether the judge can be trusted, with faults whose size is known."""

from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli.output import write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.judge.drill import drill as drill_runs
from perfkit.judge.drill import false_alarms
from perfkit.record.read import read_runs
from perfkit.report.drill import drill_lines


def drill(
    offline: Annotated[
        Path,
        typer.Option(
            "--offline",
            metavar="RUN",
            help="A run file or a folder of replicates, whose numbers the faults are put into.",
        ),
    ],
) -> int:
    """Put faults of a known size into a recorded run, one at a time, and tell which of them the judge names.

    Ends with 1 where a fault that no judge may overlook is overlooked: a case slower or faster by 30%, one that
    vanished, worse answers, a run that is compared with itself.
    """
    runs = read_runs(offline)
    if not any(run.replicate.samples for run in runs):
        raise UserError(f"{offline}: holds no measured case to put a fault into")
    checks = drill_runs(runs)
    write("\n".join(drill_lines(checks, len(runs), false_alarms(runs))) + "\n")
    return ExitCode.PASS if all(check.passed for check in checks) else ExitCode.FAIL
