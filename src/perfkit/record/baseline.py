"""Baselines: reviewed replicates, one file for each hardware, found by it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from perfkit.errors import UserError
from perfkit.record import git_ref
from perfkit.record.baseline_file import BASELINE_VERSION, OLDEST_VERSION, BaselineFile, baseline_json
from perfkit.record.committed import Committed, committed
from perfkit.record.hardware import describe_hardware, file_key, file_stem, same_hardware
from perfkit.record.json_file import (
    check_schema_version,
    describe,
    parse_json_object,
    read_json_object,
)
from perfkit.record.read import BASELINE_KIND, read_runs, run_from_json
from perfkit.record.replicate import distinct
from perfkit.record.write import write_json_atomic
from perfkit.untrusted import is_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from perfkit.record.anchor import Anchor
    from perfkit.record.provenance import Change
    from perfkit.record.replicate import Replicate, Run
    from perfkit.record.schema import Hardware

AUTO, NONE, GIT_PREFIX = "auto", "none", "git:"
FOLDER = "baselines"
"""Below the results folder."""
DEFAULT_RESULTS = Path("results")


@dataclass(frozen=True, slots=True)
class Baseline:
    """Replicates to judge against; `source` says where they came from."""

    source: str
    hardware: Hardware
    replicates: tuple[Replicate, ...]
    reason: str = ""
    anchors: tuple[Anchor, ...] = ()
    """The first reviewed level of each case; none in runs and in files of schema version 1."""
    changes: tuple[Change, ...] = ()
    """Who changed the file and why, the oldest first."""
    is_file: bool = False
    """A baseline's own file, not runs in its place."""
    committed: Committed | None = None
    """Of which commit the file is, where that was asked for and git knows."""


def load_baseline(spec: str, *, hardware: Hardware, results: Path) -> Baseline | None:
    """The baseline that `spec` means for this hardware; None where there is none.

    `spec` is ``none``, ``auto`` (the file of this hardware below `results`), ``git:REF`` (the same
    file as REF has it), or a path: a baseline file, a run file, or a folder of run files.
    A baseline's own file comes with what git knows of it. Raises UserError for what is there and can't be read.
    """
    if spec == NONE:
        return None
    folder = results / FOLDER
    if spec.startswith(GIT_PREFIX):
        return _from_git(spec, hardware, folder)
    found = _here(hardware, folder) if spec == AUTO else read_baseline(Path(spec))
    if found is None or not found.is_file:
        return found
    return replace(found, committed=committed(Path(found.source)))


def check_baseline(spec: str, results: Path) -> None:
    """Raises UserError for a `spec` that means nothing readable on any hardware.

    To be asked before hours of measuring; which file ``auto`` means is known only afterwards.
    """
    if spec.startswith(GIT_PREFIX):
        git_ref.files_at(spec.removeprefix(GIT_PREFIX), results / FOLDER)
    elif spec not in (AUTO, NONE):
        read_baseline(Path(spec))


def baseline_files(folder: Path) -> list[Path]:
    """The baselines in a folder, of all hardware; what is hidden is none."""
    return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))


def read_baseline(path: Path) -> Baseline:
    """The baseline in a file, or the run or folder of runs at `path` as one.

    Raises UserError when it is none of these.
    """
    if is_folder(path):
        return _from_runs(read_runs(path), str(path))
    return _from_data(read_json_object(path), str(path))


def read_reviewed(path: Path) -> Baseline:
    """The baseline in a file that is to be written again: a run in its place would be lost.

    Raises UserError for anything but a baseline's file.
    """
    data = read_json_object(path)
    if data.get("kind") != BASELINE_KIND:
        raise UserError(f"{path}: is no baseline and would be overwritten; name a baseline's file")
    return _from_data(data, str(path))


def reviewed_baselines(spec: str, results: Path) -> list[Baseline]:
    """The baselines of all hardware that `spec` names: ``auto``, ``git:REF``, or the path of one file.

    Raises UserError where there is none, and for one that can't be read or is no baseline's file.
    """
    folder = results / FOLDER
    if spec.startswith(GIT_PREFIX):
        blobs = git_ref.files_at(spec.removeprefix(GIT_PREFIX), folder)
        named = {f"{spec}:{(folder / name).as_posix()}": blob for name, blob in blobs.items() if name.endswith(".json")}
        files = {
            source: parse_json_object(git_ref.read_blob(folder, blob, source), source)
            for source, blob in sorted(named.items())
        }
    else:
        paths = baseline_files(folder) if spec == AUTO else [Path(spec)]
        files = {str(path): read_json_object(path) for path in paths}
    if not files:
        raise UserError(f"--baseline {spec}: {folder} has no baseline there")
    for source, data in files.items():
        if data.get("kind") != BASELINE_KIND:
            raise UserError(f"{source}: is no baseline that was reviewed; name a baseline's file")
    return [_from_data(data, source) for source, data in files.items()]


def baseline_path(hardware: Hardware, results: Path) -> Path:
    """Where the baseline of this hardware is, or would be.

    The existing file may lack memory in its name when that was unknown as it was written.
    """
    found = _here(hardware, results / FOLDER)
    return Path(found.source) if found else results / FOLDER / f"{file_key(hardware)}.json"


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline where a reader finds the whole old one or the whole new one. Raises UserError."""
    data = baseline_json(
        baseline.hardware, baseline.replicates, baseline.reason, changes=baseline.changes, anchors=baseline.anchors
    )
    write_json_atomic(path, data)


def _from_data(data: dict[str, Any], source: str) -> Baseline:
    if data.get("kind") != BASELINE_KIND:
        return _from_runs([run_from_json(data, source)], source)
    check_schema_version(data, BASELINE_VERSION, "the baseline", source, oldest=OLDEST_VERSION)
    try:
        file = BaselineFile.model_validate(data)
    except ValidationError as error:
        raise UserError(f"{source}: no baseline that perfkit wrote: {describe(error)}") from error
    return Baseline(
        source,
        file.hardware,
        tuple(_each_once(file.replicates, source)),
        reason=file.reason,
        anchors=tuple(file.anchors),
        changes=tuple(file.changes),
        is_file=True,
    )


def _each_once(replicates: Iterable[Replicate], source: str) -> Iterable[Replicate]:
    """Two branches may have promoted one run, each some of its cases, and whoever merged them have taken both.

    Raises UserError where they say different things of one case.
    """
    found: dict[str, Replicate] = {}
    for replicate in replicates:
        known = found.setdefault(replicate.run_id, replicate)
        if known is replicate:
            continue
        samples = {sample.case: sample for sample in known.samples}
        for sample in replicate.samples:
            if samples.setdefault(sample.case, sample) != sample:
                raise UserError(
                    f"{source}: the replicate of {replicate.datetime} stands twice, with different samples of "
                    f"{sample.case}; take one of them out"
                )
        found[replicate.run_id] = known.model_copy(update={"samples": [samples[case] for case in sorted(samples)]})
    return found.values()


def _from_runs(runs: Sequence[Run], source: str) -> Baseline:
    hardware = runs[0].hardware
    for run in runs[1:]:
        if not same_hardware(run.hardware, hardware):
            raise UserError(
                f"{source}: holds runs of different hardware ({describe_hardware(hardware)}; "
                f"{describe_hardware(run.hardware)}); give one of them"
            )
    return Baseline(source, hardware, tuple(run.replicate for run in distinct(runs)))


def _from_git(spec: str, hardware: Hardware, folder: Path) -> Baseline | None:
    blobs = git_ref.files_at(spec.removeprefix(GIT_PREFIX), folder)

    def read(name: str) -> Baseline:
        source = f"{spec}:{(folder / name).as_posix()}"
        found = _from_data(parse_json_object(git_ref.read_blob(folder, blobs[name], source), source), source)
        return replace(found, committed=committed(folder / name, spec.removeprefix(GIT_PREFIX)))

    return _of_hardware(hardware, blobs, read)


def _here(hardware: Hardware, folder: Path) -> Baseline | None:
    names = (path.name for path in folder.glob("*.json"))
    return _of_hardware(hardware, names, lambda name: read_baseline(folder / name))


def _of_hardware(hardware: Hardware, names: Iterable[str], read: Callable[[str], Baseline]) -> Baseline | None:
    """The one file of this hardware among `names`; one of other hardware is not even opened."""
    exact, stem = f"{file_key(hardware)}.json", file_stem(hardware)
    candidates = [name for name in names if name == f"{stem}.json" or name.startswith(f"{stem}-")]
    for name in sorted(candidates, key=lambda name: (name != exact, name)):
        baseline = read(name)
        if same_hardware(baseline.hardware, hardware):
            return baseline
    return None
