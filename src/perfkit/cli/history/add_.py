"""``perfkit history add``: run files that were kept, into the history."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli.output import JsonOption, write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.record.baseline import DEFAULT_RESULTS
from perfkit.record.read import read_run
from perfkit.untrusted import is_folder


def add_to_history(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run files, or folders of run files.")],
    results: Annotated[Path, typer.Option(help="The folder that holds history.sqlite.")] = DEFAULT_RESULTS,
    as_json: JsonOption = False,
) -> int:
    """Add RUNS to the history; one that is there already is left as it is.

    A file that can't be read is named, and the others are added all the same; the exit code is then 4.
    """
    from perfkit.history.add import RUNS_A_TRANSACTION, Added, Entry, add_runs, check_sound
    from perfkit.history.database import open_history

    faults: list[str] = []
    added = Added(0, 0)
    with open_history(results) as history:
        batch: list[Entry] = []

        def store() -> Added:
            now = add_runs(history, batch)
            batch.clear()
            return Added(added.new + now.new, added.known + now.known)

        for path in _files(runs):
            try:
                run = read_run(path)
                check_sound(run)
            except UserError as error:
                faults.append(str(error))
            else:
                batch.append(Entry(run))
            if len(batch) == RUNS_A_TRANSACTION:
                added = store()
        added = store()
        if as_json:
            told = {"history": history.where, "added": added.new, "known": added.known, "not_added": faults}
            write(json.dumps(told, indent=2) + "\n")
        else:
            write(f"{added.new} added to {history.where}, {added.known} known already\n")
    if faults:
        raise UserError(f"{len(faults)} not added: {'; '.join(faults)}")
    return ExitCode.PASS


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if not is_folder(path):
            yield path
            continue
        files = sorted(file for file in path.glob("*.json") if not file.name.startswith("."))
        if not files:
            raise UserError(f"{path}: holds no run (*.json)")
        yield from files
