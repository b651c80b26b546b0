"""perfkit: ``perfkit run`` of one fresh process, ``perfkit compare`` of five such against three, and against one."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from benchmarks.side_by_side.tool import FASTER, SAME, SLOWER, UNDECIDED, One, Reading, Said, Tool
from benchmarks.side_by_side.workload import (
    BASELINE,
    MODELS,
    ROOT,
    SHARE,
    SLOWED,
    SLOWED_ARM,
    VARIANTS,
    Place,
    cases_of,
    parsed_shape,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_PROMOTED = 5
_NIGHTS = (3, 1)
"""How many processes the README promotes, and judges together; one alone is judged as well, and can see less."""
_WORDS = {"REGRESSED": SLOWER, "IMPROVED": FASTER, "PASS": SAME, "INCONCLUSIVE": UNDECIDED}
_ANY = (0, 1, 10, 11)


class Perfkit(Tool):
    name = "perfkit"
    module = "perfkit"
    about_s = 45.0

    def measure(self, one: One) -> list[Reading]:
        folder = one.folder(self.name)
        if not (folder / "perfkit.toml").exists():
            (folder / "benchmarks").mkdir()
            shutil.copy(ROOT / "benchmarks" / "test_latency.py", folder / "benchmarks")
            (folder / "perfkit.toml").write_text(_suite())
            (folder / "pytest.ini").write_text("[pytest]\n")
        platform, faults = one.place.platform, []
        if one.place.arm == SLOWED_ARM:
            faults = [f"--perfkit-fault={SLOWED[platform]}=slow:{100 * SHARE:g}%"]
        pytest_arguments = ("benchmarks", "--perfkit-suite=side-by-side", f"--perfkit-platform={platform}", "-q")
        one.run(
            *("-m", "perfkit", "run", "--replicates=1", "--repeats=0", "--baseline=none", f"--results={one.name}"),
            *("--", *pytest_arguments, *faults),
            folder=folder,
            codes=(10,),  # there is nothing that it could be judged against
            environment={"PERFKIT_HISTORY": "none", "PERFKIT_CACHE": str(one.place.folder / "engines")},
        )
        return _readings(_replicate(one.place, one.place.arm, one.number), platform)

    def judged_together(self, place: Place, numbers: Mapping[str, Sequence[int]]) -> list[tuple[str, Said]]:
        promoted = numbers[BASELINE][:_PROMOTED]
        found: list[tuple[str, Said]] = []
        if not promoted:
            return found
        before = _together(place, BASELINE, promoted)
        for arm, own in numbers.items():
            for size in () if arm == BASELINE else _NIGHTS:
                for first in range(0, len(own) - size + 1, size):
                    after = _together(place, arm, own[first : first + size])
                    said = _compared(place, before, after)
                    found.append((arm, {"rule": "compare", "replicates": f"{len(promoted)} : {size}", "cases": said}))
        return found


def _suite() -> str:
    variants = "".join(f"{platform} = {json.dumps(names)}\n" for platform, names in VARIANTS.items())
    models = f"models = {json.dumps(MODELS)}\nshapes = [{json.dumps(parsed_shape())}]\n"
    return f"[suites.side-by-side]\n{models}[suites.side-by-side.variants]\n{variants}"


def _replicate(place: Place, arm: str, number: int) -> Path:
    one = One(replace(place, arm=arm), number, limit_s=0.0)
    (path,) = (one.folder(Perfkit.name) / one.name).glob("runs/*/replicate-1.json")
    return path


def _readings(path: Path, platform: str) -> list[Reading]:
    """By each clock. Its speedups are of rounds that measured both sides, so that they aren't ratios of the times."""
    from perfkit.record.read import read_run

    samples = {str(sample.case): sample for sample in read_run(path).replicate.samples}
    found: list[Reading] = []
    for clock in ("wall", "device"):
        timings = {case: getattr(samples[case], clock) for case in cases_of(platform)}
        if any(timing is None for timing in timings.values()):
            continue
        others = [case for case in timings if case.split("/")[1] != VARIANTS[platform][0]]
        found.append(
            {
                "clock": clock,
                "times_s": {case: timing.variant_s for case, timing in timings.items()},
                "speedups": {case: math.exp(timings[case].log_speedup) for case in others},
            }
        )
    return found


def _together(place: Place, arm: str, numbers: Sequence[int]) -> Path:
    """A folder with the replicates of several processes, as ``perfkit run --replicates`` leaves it."""
    folder = place.folder / "together" / f"{arm}-{'-'.join(map(str, numbers))}"
    folder.mkdir(parents=True)
    for at, number in enumerate(numbers, 1):
        shutil.copy(_replicate(place, arm, number), folder / f"replicate-{at}.json")
    return folder


def _compared(place: Place, before: Path, after: Path) -> dict[str, str]:
    one = One(place, number=0, limit_s=60.0)
    command = ("-m", "perfkit", "compare", str(before), str(after), "--format=json")
    rows: list[dict[str, Any]] = json.loads(one.run(*command, folder=place.folder, codes=_ANY))["rows"]
    verdicts = {f"{row['model']}/{row['variant']}/{row['shape']}": row["verdict"] for row in rows}
    return {case: _WORDS[verdicts[case]] for case in cases_of(place.platform)}
