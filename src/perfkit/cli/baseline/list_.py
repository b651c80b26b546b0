"""``perfkit baseline list``: the baselines of all hardware."""

import json
from pathlib import Path
from typing import Any

from perfkit.cli.baseline.common import ResultsOption
from perfkit.cli.output import JsonOption, terminal_width, write
from perfkit.exit_codes import ExitCode
from perfkit.record.baseline import DEFAULT_RESULTS, FOLDER, Baseline, baseline_files, read_baseline
from perfkit.record.dates import day, order
from perfkit.record.hardware import describe_hardware
from perfkit.report.columns import columns


def list_baseline(results: ResultsOption = DEFAULT_RESULTS, as_json: JsonOption = False) -> int:
    """List the baselines: hardware, cases, replicates, the newest of them and who promoted last."""
    found = [(path, read_baseline(path)) for path in baseline_files(results / FOLDER)]
    if as_json:
        write(json.dumps([_as_json(path, baseline) for path, baseline in found], indent=2) + "\n")
        return ExitCode.PASS
    rows = []
    for path, baseline in found:
        facts = _as_json(path, baseline)
        cells = (facts["hardware"], facts["cases"], facts["replicates"], day(facts["newest"] or ""), facts["by"])
        rows.append([path.stem, *map(str, cells)])
    if rows:
        write(
            "\n".join(columns(("baseline", "hardware", "cases", "replicates", "newest", "by"), rows, terminal_width()))
        )
        write("\n")
    write(f"{len(found)} baseline{'' if len(found) == 1 else 's'}\n")
    return ExitCode.PASS


def _as_json(path: Path, baseline: Baseline) -> dict[str, Any]:
    cases = {sample.case for replicate in baseline.replicates for sample in replicate.sound}
    return {
        "file": str(path),
        "hardware": describe_hardware(baseline.hardware),
        "cases": len(cases),
        "replicates": len(baseline.replicates),
        "newest": max((replicate.datetime for replicate in baseline.replicates), key=order, default=None),
        "by": baseline.changes[-1].by if baseline.changes else "",
        "reason": baseline.reason,
    }
