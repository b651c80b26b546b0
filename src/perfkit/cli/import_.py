"""``perfkit import``: plain pytest-benchmark files, named as cases, so that they can be judged as far as that goes."""

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer

from perfkit.cli.output import JsonOption, write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.judge.plain import cannot_be_judged
from perfkit.record.baseline import DEFAULT_RESULTS
from perfkit.record.foreign import Pattern, named_by
from perfkit.record.json_file import read_json_object
from perfkit.record.read import run_from_json
from perfkit.record.replicate import Run
from perfkit.record.write import write_json_atomic
from perfkit.report.text import printable
from perfkit.tell import tell

_FOLDER = "imported"
"""Below the results folder."""
_SHOWN_DIGITS = 8


def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="What pytest-benchmark saved, versions 4 and 5.")],
    pattern: Annotated[
        str | None,
        typer.Option(
            metavar="P",
            help="Where model, variant and shape stand in a test's name: 'test_infer[{model}-{variant}-{shape}]'; "
            "a * is anything.",
        ),
    ] = None,
    reference: Annotated[
        str, typer.Option(metavar="VARIANT", help="Of the pattern's variants, the one that speedups are relative to.")
    ] = "eager-fp32",
    results: Annotated[
        Path, typer.Option(help="The folder that receives imported/ and holds history.sqlite.")
    ] = DEFAULT_RESULTS,
    as_json: JsonOption = False,
) -> int:
    """Take pytest-benchmark FILES that perfkit did not write: keep them as runs, and add them to the history.

    What can't be judged on them is told. The originals stay as they are; one that was imported before is left as it is.
    """
    named = Pattern(pattern) if pattern is not None else None
    taken = [_read(path, named, reference) for path in files]
    kept = []
    for path, data, run, count in taken:  # only now that all can be read
        target = results / _FOLDER / f"{path.stem}-{run.replicate.run_id[:_SHOWN_DIGITS]}.json"
        write_json_atomic(target, data)
        kept.append((target, _counts(run, count)))
    unjudged = list(dict.fromkeys(line for _, _, run, _ in taken for line in cannot_be_judged(run)))
    if as_json:
        files_told = [{"file": str(target), **counts} for target, counts in kept]
        write(json.dumps({"files": files_told, "cannot_be_judged": unjudged}, indent=2) + "\n")
    else:
        for target, counts in kept:
            write(printable(f"{target}: {_told(**counts)}") + "\n")
        for line in unjudged:
            write(printable(f"  can't be judged: {line}") + "\n")
    if (warning := _keep([run for _, _, run, _ in taken], results)) is not None:
        tell(warning)
    return ExitCode.PASS


def _read(path: Path, pattern: Pattern | None, reference: str) -> tuple[Path, dict[str, Any], Run, int]:
    """The file, its data with cases named, and the run in it; how many benchmarks the pattern fits."""
    data: dict[str, Any] = _strict(read_json_object(path))
    if "perfkit" in data or data.get("kind") is not None:
        raise UserError(f"{path}: is perfkit's own; import takes others' files, perfkit history add takes runs")
    run_from_json(data, str(path))  # says what is wrong with the file before the pattern is tried
    count = 0
    if pattern is not None:
        data, count = named_by(pattern, reference, data, str(path))
    return path, data, run_from_json(data, str(path)), count


def _strict(node: Any) -> Any:
    """The same with null for NaN and infinity, which no strict JSON holds; a time that is null is as broken."""
    if isinstance(node, dict):
        return {key: _strict(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_strict(value) for value in node]
    return None if isinstance(node, float) and not math.isfinite(node) else node


def _counts(run: Run, fits: int) -> dict[str, int]:
    speedups = sum(sample.wall.log_speedup is not None for sample in run.replicate.samples)
    return {"benchmarks": len(run.outcomes), "fits": fits, "speedups": speedups}


def _told(benchmarks: int, fits: int, speedups: int) -> str:
    fitting = f", the pattern fits {fits}" if fits else ""
    return f"{benchmarks} benchmarks{fitting}, {speedups} speedup{'s' if speedups != 1 else ''}"


def _keep(runs: list[Run], results: Path) -> str | None:
    from perfkit.history.keep import keep

    return keep(runs, None, results)
