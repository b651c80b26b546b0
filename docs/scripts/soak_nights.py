"""One process that judges, keeps and reports a run, night after night: ``soak_nights.py RUN NIGHTS``.

The commands are those of the command line, called in the process, as a notebook or a server would.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

from soak_samples import sample

from perfkit.cli import main

CASES = 24
"""Of the run; with all of them a night would be hours of cases."""
HTML_EVERY = 10
FORMATS = ("terminal", "markdown", "json", "junit", "csv", "openmetrics")
_CASE = ("model", "variant", "shape")
_BEGAN = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


def night(data: dict[str, Any], number: int) -> str:
    """The run as if it were of another night, in a file."""
    path = Path("nights") / "replicate-1.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(data | {"datetime": (_BEGAN + dt.timedelta(days=number)).isoformat()}), "utf-8")
    return str(path)


def shortened(data: dict[str, Any]) -> dict[str, Any]:
    """The first cases of the run, with what it says of them."""
    benchmarks = [one for one in data["benchmarks"] if "perfkit" in one["extra_info"]][:CASES]
    kept = [[one["extra_info"][key] for key in _CASE] for one in benchmarks]
    outcomes = [one for one in data["perfkit"]["outcomes"] if [one[key] for key in _CASE] in kept]
    return data | {"benchmarks": benchmarks, "perfkit": data["perfkit"] | {"outcomes": outcomes}}


def passed(*arguments: str) -> None:
    """Runs the command; raises SystemExit where it fails."""
    if code := main(list(arguments)):
        sys.exit(f"perfkit {' '.join(arguments)} ended with {code}")


if __name__ == "__main__":
    run, nights = shortened(json.loads(Path(sys.argv[1]).read_text("utf-8"))), int(sys.argv[2])
    baseline = Path(night(run, 0)).rename("baseline.json")
    for number in range(1, nights + 1):
        file = night(run, number)
        passed("history", "add", file)
        for form in (*FORMATS, *(["html"] if number % HTML_EVERY == 1 else [])):
            passed("report", file, f"--baseline={baseline}", f"--format={form}", f"--output=report.{form}")
        sample()
