"""``perfkit waivers check``: the lint of perfkit-waivers.toml; an exception that nobody needs any more is removed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from perfkit.catalog.waivers import WAIVER_FILE, Waiver
from perfkit.cli.baseline.common import ResultsOption
from perfkit.cli.output import JsonOption, project_limits, project_waivers, write
from perfkit.cli.waivers.list_ import waiver_json
from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.objections import cases_of
from perfkit.judge.verdict import Judgement
from perfkit.judge.waive import Standing, standings
from perfkit.record.baseline import AUTO, DEFAULT_RESULTS, FOLDER, baseline_files, load_baseline, read_baseline
from perfkit.record.dates import today
from perfkit.record.read import read_all

_TOLD = {
    Standing.USED: "in use",
    Standing.EXCEEDED: "in use, and exceeded: the regression is larger than it allows",
    Standing.UNUSED: "unused: remove it",
    Standing.EXPIRED: "expired: remove it, or mend what it excused",
}
_FAILS = (Standing.UNUSED, Standing.EXPIRED)


def check_waivers(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RUN",
            help="Judge these replicates: a waiver that none of their regressions needs is unused. Without them one is "
            "whose glob fits no case of any baseline.",
        ),
    ] = None,
    baseline: Annotated[str, typer.Option(help="What RUN is judged against: PATH, auto or git:REF.")] = AUTO,
    results: ResultsOption = DEFAULT_RESULTS,
    as_json: JsonOption = False,
) -> int:
    """Check the waivers: exit code 1 where one has expired or is unused.

    4 where the file can't be read, 10 where RUN can't be judged.
    """
    waivers = project_waivers()
    if runs:
        judgement = _judged(runs, baseline, results)
        if judgement.refusal is not None:
            why = judgement.refusal.text
            write(json.dumps({"why": why}, indent=2) + "\n" if as_json else f"{why}\n")
            return ExitCode.NOT_JUDGED
        found = list(standings(waivers, judgement, today()))
    else:
        found = list(_by_baselines(waivers, results))
    failing = [waiver for waiver, standing in found if standing in _FAILS]
    if as_json:
        told = [{**waiver_json(waiver), "standing": str(standing)} for waiver, standing in found]
        write(json.dumps(told, indent=2) + "\n")
    else:
        for waiver, standing in found:
            write(f"{WAIVER_FILE}: {waiver.name}: {_TOLD[standing]}{_when(waiver, standing)}\n")
        write(f"{len(waivers)} waiver{'' if len(waivers) == 1 else 's'}, {len(failing)} to remove\n")
    return ExitCode.FAIL if failing else ExitCode.PASS


def _when(waiver: Waiver, standing: Standing) -> str:
    return f" (it ended on {waiver.expires})" if standing is Standing.EXPIRED else ""


def _judged(paths: list[Path], baseline: str, results: Path) -> Judgement:
    """Without waivers: what they would excuse is what is asked for."""
    runs = read_all(paths)
    return judge(load_baseline(baseline, hardware=runs[0].hardware, results=results), runs, project_limits())


def _by_baselines(waivers: tuple[Waiver, ...], results: Path) -> Iterator[tuple[Waiver, Standing]]:
    """Without a run nobody knows what regresses: unused is what fits no case of any baseline."""
    cases = {case for path in baseline_files(results / FOLDER) for case in cases_of(read_baseline(path))}
    for waiver in waivers:
        if waiver.is_over(today()):
            yield waiver, Standing.EXPIRED
        elif not any(map(waiver.matches, cases)):
            yield waiver, Standing.UNUSED
        else:
            yield waiver, Standing.USED
