"""``perfkit anonymize``: copies of run files that can be published."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from perfkit.cli.anonymity import project_anonymizer
from perfkit.cli.output import JsonOption, write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.record.anonymous import Anonymizer, check_comparable, check_same_hardware
from perfkit.record.details import host_of
from perfkit.record.read import read_run_json, run_files, run_from_json
from perfkit.record.write import write_run_json
from perfkit.untrusted import exists, is_folder


def anonymize(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run files or folders.")],
    output: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Where to write; the files of a folder get a folder of its name."),
    ],
    as_json: JsonOption = False,
) -> int:
    """Write copies of RUNS with pseudonyms instead of hosts, users, folders, addresses and UUIDs.

    They are judged as the runs themselves are, and can be promoted. No file is replaced.
    """
    found = [(file, run) for run in runs for file in (run_files(run) if is_folder(run) else [run])]
    if not found:
        raise UserError(f"{runs[0]}: holds no run (*.json)")
    read = {file: read_run_json(file) for file, _ in found}
    anonymizer = project_anonymizer({host_of(data) for data in read.values()})
    for data in read.values():
        anonymizer.learn(data)
    copies: dict[Path, dict[str, Any]] = {}
    for file, run in found:
        place = anonymizer.text(run.resolve().name) if is_folder(run) else ""
        copy = output / place / f"{anonymizer.text(file.stem)}.json"
        if copy in copies or exists(copy):
            raise UserError(f"{copy}: exists already, or would be written twice; name another folder")
        copies[copy] = _anonymous(read[file], str(file), anonymizer)
    written: list[Path] = []
    try:
        for copy, data in copies.items():
            write_run_json(copy, data)
            written.append(copy)
    except BaseException:
        for copy in written:
            copy.unlink()
        raise
    told = json.dumps([str(copy) for copy in copies], indent=2) if as_json else "\n".join(f"wrote {c}" for c in copies)
    write(f"{told}\n")
    return ExitCode.PASS


def _anonymous(data: Mapping[str, Any], source: str, anonymizer: Anonymizer) -> dict[str, Any]:
    """The copy. Raises UserError where it wouldn't be judged as the original."""
    before = run_from_json(data, source)
    copy: dict[str, Any] = anonymizer.of(dict(data))
    if host := host_of(data):
        copy["machine_info"]["node"] = anonymizer.host(host)
    after = run_from_json(copy, source)
    check_comparable(before.replicate.samples, after.replicate.samples)
    check_same_hardware(before.hardware, after.hardware)
    return copy
