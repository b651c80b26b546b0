"""What reports show and judging leaves out: rounds as they came, whole facts, the machine's state."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from perfkit.errors import UserError
from perfkit.record.baseline import AUTO, GIT_PREFIX, NONE
from perfkit.record.benchmark import read_benchmark
from perfkit.record.read import read_run_json, run_files
from perfkit.record.sample import kept_times
from perfkit.record.schema import RunRecord
from perfkit.untrusted import is_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perfkit.catalog.case import CaseId
    from perfkit.record.schema import CaseRecord

    Reading = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Details:
    """One replicate's file. What it doesn't hold, or holds damaged, isn't here; judging says what is broken."""

    source: str
    datetime: str
    records: Mapping[CaseId, CaseRecord] = field(default_factory=dict)
    """Of every sound case with a record of perfkit's own."""
    plain_s: Mapping[CaseId, tuple[float, ...]] = field(default_factory=dict)
    """Seconds of every round of the other sound cases, where a plain pytest-benchmark file kept them."""
    machine_state: Mapping[str, Reading] = field(default_factory=dict)
    host: str = ""
    """The machine's name; no report shows it, an anonymous one takes it out of other texts."""


def read_details(path: Path) -> list[Details]:
    """Of a run file, or of every run file in a folder; none of a baseline file or of what can't be read.

    It asks for nothing: whoever needs the run itself has read it, and was told what is wrong with it.
    """
    files = run_files(path) if is_folder(path) else [path]
    found = []
    for file in files:
        with contextlib.suppress(UserError):
            found.append(details_from_json(read_run_json(file), str(file)))
    return [details for details in found if details.records or details.plain_s]


def baseline_details(spec: str) -> list[Details]:
    """Of the run files that `spec` names (see ``load_baseline``); none of a baseline by another name."""
    if spec in (AUTO, NONE) or spec.startswith(GIT_PREFIX):
        return []
    return read_details(Path(spec))


def details_from_json(data: Mapping[str, Any], source: str) -> Details:
    """Of a run file's parsed JSON."""
    records: dict[CaseId, CaseRecord] = {}
    plain_s: dict[CaseId, tuple[float, ...]] = {}
    entries = data.get("benchmarks")
    for raw in entries if isinstance(entries, list) else []:
        try:
            benchmark = read_benchmark(raw, source)
        except UserError:
            continue
        if benchmark.fault is not None:
            continue
        if benchmark.record is not None:
            records[benchmark.case] = benchmark.record
        elif times_s := kept_times(benchmark.stats):
            plain_s[benchmark.case] = tuple(times_s)
    return Details(
        source=source,
        datetime=str(data.get("datetime", "")),
        records=records,
        plain_s=plain_s,
        machine_state=_machine_state(data.get("perfkit")),
        host=host_of(data),
    )


def host_of(data: Mapping[str, Any]) -> str:
    """What a run file's parsed JSON calls its machine; "" where it doesn't say."""
    info = data.get("machine_info")
    name = info.get("node") if isinstance(info, dict) else None
    return name if isinstance(name, str) else ""


def _machine_state(raw: object) -> Mapping[str, Reading]:
    try:
        return RunRecord.model_validate(raw).machine_state
    except ValidationError:
        return {}
