"""Hours of measuring without a pause: does memory grow, does a file stay open, does the noise floor rise?

    python docs/scripts/soak.py --hours 8 --output FILE       on the CPU at speed: as many cases as so many hours have
    python docs/scripts/soak.py --minutes 20 --platform cuda --output FILE      for real, on models as users have them
    python docs/scripts/soak.py                               results/ → docs/reliability.md

``perfkit run`` measures them all in one process, which is the longest that one lives; soak_samples.py looks at it after
every case. Then the run is judged, kept in a history and reported, many times over in one process. At speed a case is a
small model with the fewest rounds and no settling; all else is the real way. What a case takes for real is the mean of
results/cpu/2026-11-26-spent.json.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from blocks import with_blocks
from soak_project import cases_a_pass, write_project
from soak_slopes import by_pass, flatness, growth_by_pass, noise_floor, while_measuring

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
DATA = ROOT / "results" / "cpu" / "soak.json"
DATA_CUDA = ROOT / "results" / "h100" / "2026-11-27-soak.json"
DATA_REAL_CPU = ROOT / "results" / "cpu" / "2026-11-27-soak-real.json"
SPENT = ROOT / "results" / "cpu" / "2026-11-26-spent.json"
NIGHTS = 200
_PARTS = {"at speed": 8, "for real": 2}
"""Of the cases: so many that the first and the last of them tell the noise floor."""
WATCHED = {
    "rss_bytes": "memory of the process that measures, resident",
    "anonymous_bytes": "the same without what comes from files",
    "objects": "objects of Python in it",
    "parent_rss_bytes": "memory of `perfkit run`, resident",
    "device_bytes": "memory of the GPU in use",
    "descriptors": "open file descriptors of the process that measures",
    "parent_descriptors": "open file descriptors of `perfkit run`",
    "threads": "threads",
    "children": "child processes",
    "temporary_bytes": "files in the folder for temporary ones",
}


def case_s() -> float:
    """Seconds that a case takes on a CPU, all that a run does included."""
    data = json.loads(SPENT.read_text("utf-8"))
    return float(data["spent_s"]["whole"] / len(data["cases"]))


def soak(platform: str, hours: float, *, real: bool, nights: int) -> dict[str, Any]:
    """Measures in a folder of its own, and returns what was seen."""
    from perfkit.measure.machine import cpu_count, cpu_name

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = None if real else max(2, round(hours * 3600 / case_s()))
        write_project(folder, platform, cases)
        samples = measured(folder, platform, hours if real else None)
        (path,) = folder.glob("results/runs/*/replicate-1.json")
        run = json.loads(path.read_text("utf-8"))
        reading = read_again(folder, path, nights) if nights else []
    times_h = [sample["s"] / 3600 if real else (index + 1) * case_s() / 3600 for index, sample in enumerate(samples)]
    measured_cases = [one for one in run["benchmarks"] if "perfkit" in one["extra_info"]]
    gpu = run["perfkit"]["hardware"]["name"] if platform == "cuda" else None
    return {
        "datetime": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": gpu or f"{cpu_name()} x{cpu_count()}",
        "load_average": round(os.getloadavg()[0], 1),
        "software": {name: run["perfkit"]["software"][name] for name in ("python", "torch")},
        "at_speed": not real,
        "hours": round(times_h[-1], 2),
        "took_s": round(samples[-1]["s"]),
        "cases": len(measured_cases),
        "rounds": sum(len(one["extra_info"]["perfkit"]["rounds"]["order"]) for one in measured_cases),
        "calls": sum(one["stats"]["rounds"] for one in measured_cases),
        "spent_s": run["perfkit"]["spent_s"],
        **({"samples": samples} if real else {"flat": flatness(times_h, samples)}),
        "noise_floor": noise_floor(
            [one["extra_info"]["perfkit"] for one in measured_cases], _PARTS["for real" if real else "at speed"]
        ),
        "nights": len(reading),
        "reading": flatness([index / 100 for index in range(len(reading))], reading) if reading else {},
    }


def measured(folder: Path, platform: str, hours: float | None) -> list[dict[str, float]]:
    """The samples of ``perfkit run`` in the project; it ends after so many hours where they are given."""
    samples = folder / "samples.jsonl"
    command = [sys.executable, "-m", "perfkit", "run", "--replicates=1", "--repeats=0", "--baseline=none", "--", "."]
    # Without a history, whose libraries not every GPU host has: keeping the run is watched in its nights.
    environment = {"SOAK_SAMPLES": str(samples), "PERFKIT_HISTORY": "none"}
    environment |= {} if hours is None else {"SOAK_S": str(hours * 3600)}
    process(folder, [*command, "--perfkit-suite=soak", f"--perfkit-platform={platform}", "-q"], **environment)
    return lines(samples)


def read_again(folder: Path, path: Path, nights: int) -> list[dict[str, float]]:
    """The samples of a process that judges, keeps and reports the run so many times, as of other nights."""
    samples = folder / "nights.jsonl"
    script = str(Path(__file__).with_name("soak_nights.py"))
    process(folder, [sys.executable, script, str(path), str(nights)], SOAK_SAMPLES=str(samples))
    return lines(samples)


def process(folder: Path, command: list[str], **variables: str) -> None:
    """Runs it in the folder. Raises CalledProcessError with its output printed where it fails."""
    (folder / "tmp").mkdir(exist_ok=True)
    path = os.pathsep.join([str(Path(__file__).parent), str(folder), os.environ.get("PYTHONPATH", "")])
    quiet = {"OMP_NUM_THREADS": "1", "PERFKIT_HISTORY": "", "TMPDIR": str(folder / "tmp"), "PYTHONPATH": path}
    done = subprocess.run(  # noqa: S603 - our own interpreter
        command, cwd=folder, env={**os.environ, **quiet, **variables}, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 10):  # 10: there is no baseline to judge by
        sys.stderr.write(done.stdout[-4000:] + done.stderr[-4000:])
        done.check_returncode()


def lines(path: Path) -> list[dict[str, float]]:
    """The samples that a process has written."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def table(data: dict[str, Any]) -> list[str]:
    """One row a thing that was watched; below it on what."""
    heads = "first | last | growth an hour, 95% interval"
    flat = data.get("flat")
    hours = data["hours"]
    if flat is not None:
        hours = data["cases"] * case_s() / 3600
        flat = {name: by_the_hour(one, data["hours"] / hours) for name, one in flat.items()}
    else:
        times_h = [sample["s"] / 3600 for sample in data["samples"]]
        flat = by_pass(times_h, data["samples"], cases_a_pass("cuda")[0])
        heads = "second pass | last pass | growth an hour from one pass to the next: median, least and most"
    found = [f"| | {heads} |", "|---|---|---|---|", *(row(WATCHED[name], name, one) for name, one in flat.items())]
    floor = data["noise_floor"]
    found.append(
        f"| A/A noise floor, {floor['cases']} cases each | {floor['first']:.2%} | {floor['last']:.2%} "
        f"| {floor['ratio']:.2f} times ({floor['low']:.2f} to {floor['high']:.2f}) |"
    )
    for name in ("rss_bytes", "descriptors") if data["nights"] else ():
        one = data["reading"][name]
        found.append(row(f"{data['nights']} nights judged, kept and reported: {WATCHED_READING[name]}", name, one))
    speed = f"in {data['took_s'] / 60:.0f} minutes" if data["at_speed"] else "for real"
    versions = ", ".join(f"{name} {version}" for name, version in data["software"].items())
    return [
        *found,
        "",
        *([] if "flat" in data else measuring(data["samples"])),
        (
            f"{hours:.1f} hours {speed}: {data['cases']:,} cases, {data['rounds']:,} rounds, "
            f"{data['calls']:,} timed calls of one process. {data['machine']}, "
            f"load average {data['load_average']}, {versions}, {data['datetime'][:10]}."
        ),
    ]


def by_the_hour(one: dict[str, float], factor: float) -> dict[str, float]:
    """Growth by hours of another length: the cases were counted when one took longer, on a busy machine."""
    return {**one, **{name: one[name] * factor for name in ("slope", "low", "high")}}


def measuring(samples: list[dict[str, float]]) -> list[str]:
    """What grew where nothing was loaded or built."""
    period, shapes = cases_a_pass("cuda")
    (size, count), (objects, _) = (while_measuring(samples, period, shapes, name) for name in ("rss_bytes", "objects"))
    return [
        (
            f"At the {count} cases after the first pass that measured another shape of a variant that was there: "
            f"{shown('rss_bytes', size)} and {objects:+,.0f} objects of Python in all."
        ),
        "",
    ]


def passes_table(found: dict[str, dict[str, Any]]) -> list[str]:
    """Whether growth goes on: what each pass has added."""
    lines = ["| a pass's median case beside itself in the pass before | pass | resident | objects of Python |"]
    lines.append("|---|---|---|---|")
    for platform, data in found.items():
        period, _ = cases_a_pass(platform)
        resident, objects = (growth_by_pass(data["samples"], period, name) for name in ("rss_bytes", "objects"))
        for number, (size_bytes, count) in enumerate(zip(resident, objects, strict=True), start=2):
            cases = min(period, len(data["samples"]) - period * (number - 1))
            which = f"{number}" if cases == period else f"{number}, {cases} of {period} cases"
            lines.append(f"| {data['machine']} | {which} | {size_bytes / 1e6:+.1f} MB | {count:+,.0f} |")
    return lines


WATCHED_READING = {"rss_bytes": "memory, resident, an hour being 100 nights", "descriptors": "open file descriptors"}


def row(title: str, name: str, one: dict[str, float]) -> str:
    """What it was in the first and the last part, and by how much it grows."""
    first, last = (shown(name, one[when]) for when in ("first", "last"))
    steady = one["low"] == one["high"] == 0
    growth = "none" if steady else f"{one['slope']:+.2%} ({one['low']:+.2%} to {one['high']:+.2%})"
    return f"| {title} | {first} | {last} | {growth} |"


def shown(name: str, value: float) -> str:
    """In MB where it is bytes."""
    return f"{value / 1e6:,.1f} MB" if name.endswith("bytes") else f"{value:,.0f}"


def main() -> str:
    """The page with its table made anew."""
    at_speed, cuda, cpu = (json.loads(path.read_text("utf-8")) for path in (DATA, DATA_CUDA, DATA_REAL_CPU))
    passes = passes_table({"cuda": cuda, "cpu": cpu})
    return with_blocks(PAGE, {"soak": table(at_speed), "soak-h100": table(cuda), "soak-passes": passes})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, help="of cases, at speed on the CPU")
    parser.add_argument("--minutes", type=float, help="of measuring, for real")
    parser.add_argument("--platform", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--nights", type=int, default=NIGHTS, help="how often the run is read again; 0: not at all")
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    if asked.hours is None and asked.minutes is None:
        PAGE.write_text(main(), "utf-8")
    else:
        real = asked.minutes is not None
        seen = soak(asked.platform, asked.minutes / 60 if real else asked.hours, real=real, nights=asked.nights)
        text = json.dumps(seen, indent=1) + "\n"
        sys.stdout.write(text) if asked.output is None else asked.output.write_text(text, "utf-8")
