"""What docs/drills.md says of the drill's nights beside its tables."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

from perfkit.judge.compare import judge
from perfkit.judge.verdict import Moved, Verdict
from perfkit.record.baseline import load_baseline
from perfkit.record.read import read_runs

DRILL = Path(__file__).resolve().parents[2] / "results" / "h100" / "2026-11-27-drill"
CASE = ("resnet50", "onnx-trt-fp16-graph")


def test_a_wall_time_twice_as_long_is_the_hosts_regression(tmp_path: Path) -> None:
    for path in (DRILL / "clean").glob("*.json.xz"):
        data = json.loads(lzma.decompress(path.read_bytes()))
        for benchmark in data["benchmarks"]:
            record = benchmark["extra_info"]["perfkit"]
            if (record["model"], record["variant"]) == CASE:
                record["rounds"]["variant_wall_s"] = [2 * time_s for time_s in record["rounds"]["variant_wall_s"]]
                benchmark["stats"] = {name: twice(name, value) for name, value in benchmark["stats"].items()}
        (tmp_path / path.stem).write_text(json.dumps(data), "utf-8")
    runs = read_runs(tmp_path)
    rows = judge(load_baseline(str(DRILL / "baseline.json"), hardware=runs[0].hardware, results=tmp_path), runs).rows
    found = {(row.model, row.variant): (row.verdict, row.moved) for row in rows}
    assert found.pop(CASE) == (Verdict.REGRESSED, Moved.HOST)
    assert {verdict for verdict, _ in found.values()} == {Verdict.PASS}


def twice(name: str, value: Any) -> Any:
    """A statistic of pytest-benchmark, of times twice as long."""
    if name == "ops":
        return value / 2
    if isinstance(value, list):
        return [2 * time_s for time_s in value]
    return 2 * value if isinstance(value, float) else value
