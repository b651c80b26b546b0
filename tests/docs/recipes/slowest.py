"""``perfkit slowest``: no command of perfkit's, but one added as docs/architecture.md says; test_recipes.py does so."""

import json
from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli.output import JsonOption, write
from perfkit.exit_codes import ExitCode
from perfkit.record.read import read_run
from perfkit.report.text import printable


def slowest(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run file.")],
    as_json: JsonOption = False,
) -> int:
    """Tell which case of RUN took longest."""
    slow = max(read_run(run).replicate.samples, key=lambda sample: sample.wall.variant_s)
    case, time_s = str(slow.case), slow.wall.variant_s
    told = json.dumps({"case": case, "wall_time_s": time_s}) if as_json else f"{printable(case)}  {time_s * 1e3:.2f} ms"
    write(f"{told}\n")
    return ExitCode.PASS
