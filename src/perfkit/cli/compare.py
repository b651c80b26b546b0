"""``perfkit compare``: the verdicts of a run against a baseline, without measuring anything."""

from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli.output import Format, FormatOption, JsonFormatOption, Quiet, Verbose, judged_here, show
from perfkit.record.baseline import DEFAULT_RESULTS, load_baseline
from perfkit.record.read import read_runs


def compare(
    base: Annotated[
        str,
        typer.Argument(
            metavar="BASE",
            help="Baseline file, run file, folder of run files, or git:REF for the baseline that "
            "another branch has for this hardware.",
        ),
    ],
    run: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="Run file, or folder with the replicates of a run."),
    ],
    form: FormatOption = Format.TERMINAL,
    as_json: JsonFormatOption = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Judge RUN against BASE.

    The exit code tells the outcome, see perfkit --help.
    """
    runs = read_runs(run)
    baseline = load_baseline(base, hardware=runs[0].hardware, results=DEFAULT_RESULTS)
    judgement = judged_here(baseline, runs)
    show(judgement, Format.JSON if as_json else form, verbose - quiet)
    return judgement.exit_code
