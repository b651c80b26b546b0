"""Reading run files: perfkit's own records and plain pytest-benchmark files, strictly.

What makes a whole file unreadable is a UserError; what concerns one case makes that case BROKEN.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from perfkit.catalog.case import REFERENCE_VARIANT, CaseId, Platform
from perfkit.credentials import without_credentials
from perfkit.errors import UserError
from perfkit.record.benchmark import Benchmark, read_benchmark, stats_numbers
from perfkit.record.hardware import hardware_from_machine_info
from perfkit.record.journal import RUN_JOURNAL, SUFFIX, read_journal, run_json
from perfkit.record.json_file import check_schema_version, describe, read_json_object
from perfkit.record.replicate import Replicate, Run, Sample, by_date
from perfkit.record.sample import sample_from_record, sample_from_stats
from perfkit.record.schema import SCHEMA_VERSION, Outcome, RunRecord, Status
from perfkit.untrusted import TOO_LARGE_RUN, is_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

BASELINE_KIND = "perfkit-baseline"
_KNOWN_BENCHMARK_VERSIONS = ("4", "5")
_SHOWN = 30
"""Characters of a version that is none."""


def read_runs(path: Path) -> list[Run]:
    """The run of one file, or of every run file in a folder, ordered by date.

    Raises UserError naming every file that can't be read: an older readable file never takes the
    place of a newer unreadable one.
    """
    if not is_folder(path):
        return [read_run(path)]
    files = run_files(path)
    if not files:
        raise UserError(f"{path}: holds no run (*.json)")
    runs, faults = [], []
    for file in files:
        try:
            runs.append(read_run(file))
        except UserError as error:
            faults.append(str(error))
    if faults:
        count = f"{len(faults)} of {len(files)} files in {path} can't be read"
        raise UserError(f"{count}: {'; '.join(faults)}")
    return sorted(runs, key=lambda run: by_date(run.replicate))


def run_files(folder: Path) -> list[Path]:
    """Every ``*.json`` of a folder, and the journals of replicates that have no file yet: their run died."""
    files = {file.stem: file for file in folder.glob(f"*{SUFFIX}") if file.name != RUN_JOURNAL}
    files |= {file.stem: file for file in folder.glob("*.json")}
    return sorted(file for file in files.values() if not file.name.startswith("."))


def read_run_json(path: Path) -> dict[str, Any]:
    """What a run file holds, or what it would hold of a replicate that has a journal alone.

    Raises UserError when there is no such thing.
    """
    return run_json(read_journal(path)) if path.suffix == SUFFIX else read_json_object(path, too_large=TOO_LARGE_RUN)


def read_all(paths: Iterable[Path]) -> list[Run]:
    """The runs of several files and folders, in the order given. Raises UserError like the rest."""
    return [run for path in paths for run in read_runs(path)]


def read_run(path: Path) -> Run:
    """The run of one file. Raises UserError when it isn't one."""
    return run_from_json(read_run_json(path), str(path))


def run_from_json(data: Mapping[str, Any], source: str) -> Run:
    """Reduce the parsed JSON of a run to one number per case and metric.

    `source` names the run in messages. Raises UserError when the data aren't a run that this
    version knows.
    """
    if data.get("kind") == BASELINE_KIND:
        raise UserError(f"{source}: is a baseline; a run is expected here")
    version = _typed(data, "version", str, source)
    if version.split(".")[0] not in _KNOWN_BENCHMARK_VERSIONS:
        told = without_credentials(version)[:_SHOWN]
        raise UserError(f"{source}: written by pytest-benchmark {told}; known are 4 and 5, measure again")
    record = _run_record(data, source)
    machine_info = _typed(data, "machine_info", dict, source)
    benchmarks = [
        read_benchmark(raw, f"{source}: benchmarks[{index}]")
        for index, raw in enumerate(_typed(data, "benchmarks", list, source))
    ]
    _check_platform(benchmarks, record, source)
    moment, commit = _typed(data, "datetime", str, source), _commit(data.get("commit_info"))
    try:
        samples, outcomes = _cases(benchmarks, record.outcomes if record else [])
        hardware = record.hardware if record else hardware_from_machine_info(machine_info)
        return Run(
            source=source,
            hardware=hardware,
            replicate=Replicate(
                run_id=_run_id(moment, commit, benchmarks),
                shard_ids=([one.run_id for one in record.shards if one.run_id] if record else []) or None,
                datetime=moment,
                commit=commit,
                suite=record.suite if record else "",
                platform=record.platform if record else _platform(benchmarks, hardware.platform),
                software=_software(machine_info) | (record.software if record else {}),
                settings={key: str(value) for key, value in (record.settings if record else {}).items()},
                samples=samples,
            ),
            outcomes=outcomes,
            injected=record.injected if record else None,
            incomplete=record.incomplete if record else None,
            shard=record.shard if record else None,
        )
    except ValidationError as error:
        raise UserError(f"{source}: {describe(error)}") from error


def _check_platform(benchmarks: list[Benchmark], record: RunRecord | None, source: str) -> None:
    for benchmark in benchmarks:
        own = benchmark.record.platform if benchmark.record is not None else None
        if record is not None and own not in (None, record.platform):
            raise UserError(f"{source}: {benchmark.case} is of the platform {own}, its run of {record.platform}")


def _cases(benchmarks: list[Benchmark], planned: list[Outcome]) -> tuple[list[Sample], list[Outcome]]:
    """Samples of the sound cases, and how each case of plan and file ended; both in case order."""
    by_case: dict[CaseId, list[Benchmark]] = defaultdict(list)
    for benchmark in benchmarks:
        by_case[benchmark.case].append(benchmark)
    sound = {case: found[0] for case, found in by_case.items() if len(found) == 1 and found[0].fault is None}
    plan: dict[CaseId, Outcome] = {}
    for entry in planned:
        twice = _outcome(entry.case, Status.BROKEN, "planned twice")
        plan[entry.case] = twice if entry.case in plan else entry

    outcomes = {}
    for case in {*by_case, *plan}:
        expected = plan.get(case)
        if expected is not None and expected.status is Status.BROKEN:
            outcomes[case] = expected
        elif case in sound:
            outcomes[case] = _outcome(case, Status.MEASURED)
        elif case in by_case:
            outcomes[case] = _outcome(case, Status.BROKEN, _fault(by_case[case]))
        elif expected is not None and expected.status is Status.MEASURED:
            why = "planned and said to be measured, but the file holds no times"
            outcomes[case] = _outcome(case, Status.NOT_RUN, why)
        elif expected is not None:
            outcomes[case] = expected
    samples = [_sample(sound[case], sound) for case in sorted(sound) if outcomes[case].status is Status.MEASURED]
    return samples, [outcomes[case] for case in sorted(outcomes)]


def _sample(benchmark: Benchmark, sound: Mapping[CaseId, Benchmark]) -> Sample:
    if benchmark.record is not None:
        return sample_from_record(benchmark.record, benchmark.stats["rounds"])
    reference = sound.get(benchmark.case._replace(variant=REFERENCE_VARIANT))
    return sample_from_stats(
        benchmark.case,
        benchmark.stats,
        benchmark.weights,
        reference.stats if reference is not None else None,
    )


def _fault(found: list[Benchmark]) -> str:
    if len(found) > 1:
        return f"stands {len(found)} times in one file; which one is it?"
    return found[0].fault or ""


def _outcome(case: CaseId, status: Status, reason: str = "") -> Outcome:
    return Outcome(model=case.model, variant=case.variant, shape=case.shape, status=status, reason=reason)


def _run_record(data: Mapping[str, Any], source: str) -> RunRecord | None:
    if "perfkit" not in data:
        return None
    raw = _typed(data, "perfkit", dict, source)
    check_schema_version(raw, SCHEMA_VERSION, "perfkit's record of the run", source)
    try:
        return RunRecord.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"{source}: perfkit.{describe(error)}") from error


def _typed(data: Mapping[str, Any], key: str, kind: type, source: str) -> Any:
    value = data.get(key)
    if not isinstance(value, kind):
        raise UserError(f"{source}: key {key!r} is missing or no {kind.__name__}; not a pytest-benchmark file")
    return value


def _run_id(moment: str, commit: str, benchmarks: list[Benchmark]) -> str:
    """The same for a copy under another name or in another order; sixteen hexadecimal digits."""
    numbers = sorted([*benchmark.case, *stats_numbers(benchmark)] for benchmark in benchmarks)
    text = json.dumps([moment, commit, numbers])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _commit(commit_info: object) -> str:
    if not isinstance(commit_info, dict):
        return ""
    identity = commit_info.get("id")
    dirty = "+dirty" if commit_info.get("dirty") is True else ""
    return f"{identity}{dirty}" if isinstance(identity, str) else ""


def _platform(benchmarks: list[Benchmark], of_hardware: Platform) -> Platform:
    told = [benchmark.platform for benchmark in benchmarks]
    return next((platform for platform in Platform if told and all(one == platform for one in told)), of_hardware)


def _software(machine_info: Mapping[str, Any]) -> dict[str, str]:
    gpu, software = machine_info.get("gpu"), machine_info.get("software")
    told = {
        "python": machine_info.get("python_version"),
        "kernel": machine_info.get("release"),
        "driver": gpu.get("driver") if isinstance(gpu, dict) else None,
        **(software if isinstance(software, dict) else {}),
    }
    return {key: value for key, value in sorted(told.items()) if isinstance(value, str)}
