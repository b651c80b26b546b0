"""``perfkit run --on`` over 2 to 8 real Ray nodes on this machine, beside a run without Ray.

Cases are those of tests/faults/instant.py, made up: each sleeps a second, so that a few processors are enough for many
nodes. Journal, processes, actors and schedule are real.

    python -m benchmarks.scale.real_ray     → results/cpu/2026-11-26-fleet-ray.json
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import re
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.faults.runs import command, ended, instant_project, start
from tests.fleet.ray_cluster import A_LOCK_EACH, UNCOVERED, Cluster

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "results" / "cpu" / "2026-11-26-fleet-ray.json"
NODES = (2, 4, 8)
MODELS = [f"model-{number}" for number in range(8)]
REPLICATES, CASE_S = 2, 1.0
_UNIT = re.compile(r"^perfkit: replicate-\d+: \S+(?: \(\d+ of \d+\))?: \S+, (\d+) s$", re.MULTILINE)


def measure(folder: Path, *options: str) -> dict[str, Any]:
    """One run: how long it took in all and, over a fleet, its units."""
    project = instant_project(folder / "project", models=MODELS)
    with (project / "conftest.py").open("a", encoding="utf-8") as file:
        file.write(A_LOCK_EACH)
        # Not in this run's environment: nodes have another one, and cases there would be over at once.
        file.write(f"import os\n\nos.environ['INSTANT_CASE_S'] = '{CASE_S}'\n")
    began_s = time.monotonic()
    after = ended(start(project, command(*options, replicates=REPLICATES), **UNCOVERED))
    took_s = time.monotonic() - began_s
    if len(list(project.glob("results/runs/*/replicate-*.json"))) != REPLICATES:
        raise RuntimeError(after.err)
    return {"whole_s": round(took_s, 1), "units_s": [int(each) for each in _UNIT.findall(after.err)]}


def over(nodes: int) -> dict[str, Any]:
    """A run over so many nodes of a cluster that is there already."""
    with tempfile.TemporaryDirectory() as folder, Cluster(Path(folder), nodes) as cluster:
        return {"nodes": nodes, **measure(Path(folder), f"--on={cluster.place}")}


def main() -> None:
    """Writes the file."""
    from perfkit.measure.machine import cpu_count, cpu_name

    with tempfile.TemporaryDirectory() as folder:
        alone = measure(Path(folder))
    data = {
        "datetime": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "cpu": f"{cpu_name()} x{cpu_count()}",
        "python": platform.python_version(),
        "ray": version("ray"),
        "models": len(MODELS),
        "cases": 3 * len(MODELS),
        "replicates": REPLICATES,
        "case_s": CASE_S,
        "load_before": round(os.getloadavg()[0], 1),
        "alone_s": alone["whole_s"],
        "rows": [over(nodes) for nodes in NODES],
    }
    DATA.write_text(json.dumps(data, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
