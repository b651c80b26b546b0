"""``perfkit merge``: the run that several shards make, judged as if one machine had measured it."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from perfkit.cli.output import Format, FormatOption, JsonFormatOption, Quiet, Verbose, judged_here, show
from perfkit.errors import UserError
from perfkit.history.keep import keep
from perfkit.record.baseline import AUTO, DEFAULT_RESULTS, load_baseline
from perfkit.record.merge import NIGHT_H, Part, machine_differences
from perfkit.record.merge import merge as merged
from perfkit.record.read import read_run_json, run_files, run_from_json
from perfkit.record.schema import RunRecord
from perfkit.record.write import write_run_json
from perfkit.tell import tell

_REPEAT = "repeat-"
_NOT_REPEATED = "deselected"
"""What a run says of cases that it doesn't measure again."""


def merge(
    shards: Annotated[
        list[Path], typer.Argument(metavar="SHARD", help="The folders that perfkit run --shard wrote, all of a run.")
    ],
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="The folder to make, with a file a replicate.")],
    baseline: Annotated[str, typer.Option(help="What the run is judged against: PATH, auto, git:REF or none.")] = AUTO,
    results: Annotated[
        Path, typer.Option(help="The folder that holds baselines/ and history.sqlite.")
    ] = DEFAULT_RESULTS,
    form: FormatOption = Format.TERMINAL,
    *,
    different_days: Annotated[
        bool, typer.Option("--different-days", help=f"Take shards that were measured more than {NIGHT_H} hours apart.")
    ] = False,
    as_json: JsonFormatOption = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Make one run of all its SHARDS, and judge it as perfkit run does.

    Replicate K has the cases of replicate K of every shard. Shards that are missing, doubled or not of one run and
    night are refused, and nothing is written. The exit code tells the outcome, see perfkit --help.
    """
    if output.exists():
        raise UserError(f"{output}: is there already; name a folder to make")
    replicates, differences = _merged(shards, different_days=different_days)
    runs = [run_from_json(data, str(output / f"{name}.json")) for name, data in replicates.items()]
    found = load_baseline(baseline, hardware=runs[0].hardware, results=results)
    judgement = judged_here(found, runs)
    _write(output, replicates)
    warning = keep(runs, judgement, results)
    show(judgement, Format.JSON if as_json else form, verbose - quiet)
    for line in differences:
        tell(f"machines differ: {line}")
    tell(f"{len(shards)} shards in {output}; perfkit promote {output} adds them to the baseline")
    if warning is not None:
        tell(warning)
    return judgement.exit_code


def _merged(folders: Sequence[Path], *, different_days: bool) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """What each file of the run holds, by its name, and how the machines differ. Raises UserError."""
    files = {folder: _files(folder) for folder in dict.fromkeys(folders)}
    if len(files) < len(folders):
        raise UserError("a shard is named twice; give each folder once")
    replicates: dict[str, dict[str, Any]] = {}
    differences: dict[str, None] = {}
    for name in sorted({name for own in files.values() for name in own}):
        having = {folder: own[name] for folder, own in files.items() if name in own}
        parts = [Part(str(path), read_run_json(path)) for path in having.values()]
        is_repeat = name.startswith(_REPEAT)
        lacking = [str(folder) for folder in files if folder not in having]
        if lacking and not is_repeat:
            raise UserError(f"{', '.join(lacking)}: has no {name}, and {next(iter(having))} has; measure it anew")
        replicates[name] = merged(parts, absent=_NOT_REPEATED if is_repeat else None, different_days=different_days)
        shards = RunRecord.model_validate(replicates[name]["perfkit"]).shards
        differences |= dict.fromkeys(f"{what} {told}" for what, told in machine_differences(shards).items())
    return replicates, list(differences)


def _files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise UserError(f"{folder}: is no folder; give those that perfkit run --shard wrote")
    files = {path.stem: path for path in run_files(folder)}
    if not files:
        raise UserError(f"{folder}: holds no run (*.json)")
    return files


def _write(folder: Path, replicates: dict[str, dict[str, Any]]) -> None:
    """All files or none. Raises UserError where they can't be written."""
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        for name, data in replicates.items():
            write_run_json(unfinished / f"{name}.json", data)
        unfinished.rename(folder)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
