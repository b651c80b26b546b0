"""``perfkit drill``: whether the gate can be trusted, with faults whose size is known."""

import json
from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli.output import JsonOption, project_limits, write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.judge import drill as offline_drill
from perfkit.judge import field
from perfkit.judge.compare import judge
from perfkit.record.baseline import AUTO, DEFAULT_RESULTS, Baseline, check_baseline, load_baseline
from perfkit.record.read import read_runs
from perfkit.record.replicate import Run
from perfkit.replicates.processes import check_arguments, measure_replicate, those_not_lost
from perfkit.replicates.request import dated_name
from perfkit.report.drill import drill_json, drill_lines, field_json, field_lines
from perfkit.tell import tell
from perfkit.variants.faults import why_not

_FOLDER = "drills"
"""Below the results folder: one folder a drill, one below it a night."""


def drill(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- PYTEST ARGUMENT", help="Handed to pytest.  [default: benchmarks/]"),
    ] = None,
    offline: Annotated[
        Path | None,
        typer.Option(
            "--offline",
            metavar="RUN",
            help="Measure nothing: put the faults into the numbers of a run file or a folder of replicates.",
        ),
    ] = None,
    replicates: Annotated[int, typer.Option(min=1, help="How many fresh processes measure each night.")] = 3,
    baseline: Annotated[str, typer.Option(help="What the nights are judged against: PATH, auto or git:REF.")] = AUTO,
    results: Annotated[
        Path, typer.Option(help="The folder that holds baselines/ and receives drills/.")
    ] = DEFAULT_RESULTS,
    as_json: JsonOption = False,
) -> int:
    """Put faults of a known size into the suite, really or into a recorded run, and tell which of them are named.

    One night is measured as it is, then nights with faults in some of their cases: calls slowed by 3 to 50%, on a GPU
    also a host that is slow and a CUDA graph that is lost, wrong answers, a case that vanishes, an engine built in
    float32. Ends with 1 where a fault is overlooked that must be seen, or where a case is named that has none.
    """
    if offline is not None:
        if arguments:
            raise UserError("--offline measures nothing: leave out the arguments for pytest")
        return _offline(offline, as_json=as_json)
    arguments = arguments or ["benchmarks/"]
    check_arguments(arguments)
    check_baseline(baseline, results)
    folder = results / _FOLDER / dated_name()
    first = _night(arguments, range(1, 2), folder / "clean")
    known = load_baseline(baseline, hardware=first[0].hardware, results=results)
    clean = first if known is None else first + _night(arguments, range(2, replicates + 1), folder / "clean")
    return _in_the_field(known, clean, arguments, replicates, folder, as_json=as_json)


def _offline(path: Path, *, as_json: bool) -> int:
    runs = read_runs(path)
    if not any(run.replicate.samples for run in runs):
        raise UserError(f"{path}: holds no measured case to put a fault into")
    limits = project_limits()
    checks = offline_drill.drill(runs, limits)
    alarms = offline_drill.false_alarms(runs, limits)
    if as_json:
        write(json.dumps(drill_json(checks, len(runs), alarms), indent=2) + "\n")
    else:
        write("\n".join(drill_lines(checks, len(runs), alarms)) + "\n")
    return ExitCode.PASS if all(check.passed for check in checks) else ExitCode.FAIL


def _in_the_field(
    baseline: Baseline | None,
    clean_runs: list[Run],
    arguments: list[str],
    replicates: int,
    folder: Path,
    *,
    as_json: bool,
) -> int:
    limits = project_limits()
    clean = judge(baseline, clean_runs, limits)
    nights = field.plan_nights(clean, lambda kind, variant: why_not(kind, variant) is None)
    if not nights:
        reason = clean.refusal.text if clean.refusal is not None else "no case can be compared with the baseline"
        write(json.dumps({"why": reason}, indent=2) + "\n" if as_json else f"{reason}\n")
        return ExitCode.NOT_JUDGED
    found, alarms = [], [field.false_alarms(clean, clean)]
    for number, faults in enumerate(nights, start=1):
        told = f"night {number} of {len(nights)} with faults: {', '.join(map(str, faults))}"
        tell(told)
        given = [*arguments, *(f"--perfkit-fault={fault}" for fault in faults)]
        try:
            night = judge(baseline, _night(given, range(1, replicates + 1), folder / f"night-{number}"), limits)
        except UserError as error:  # what other nights found is told all the same
            tell(f"{told} is lost: {error}")
            continue
        if night.refusal is not None:
            tell(f"{told} can't be judged: {night.refusal.text}")
            continue
        of_night = field.seen(faults, night, clean)
        for each in of_night:  # nights take long: a drill that is stopped has told what it found
            tell(f"{each.fault} was named {each.verdict}")
        found += of_night
        alarms.append(field.false_alarms(night, clean, faults))
    if not found:
        raise UserError(f"no night with faults could be judged; what was measured is in {folder}")
    if as_json:
        write(json.dumps(field_json(clean, found, alarms), indent=2) + "\n")
    else:
        write("\n".join(field_lines(clean, found, alarms)) + "\n")
    overlooked = any(each.is_demanded and not each.named for each in found)
    return ExitCode.FAIL if overlooked or any(alarms) else ExitCode.PASS


def _night(arguments: list[str], numbers: range, folder: Path) -> list[Run]:
    """Its replicates; those that crash are lost alone.

    Raises UserError where none is left, or pytest refuses the request.
    """

    def measured(number: int) -> Run:
        tell(f"{folder.name}: replicate {number}")
        return measure_replicate(arguments, folder / f"replicate-{number}.json")

    return list(those_not_lost(numbers, measured))
