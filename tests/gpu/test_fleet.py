"""What only a host with several GPUs can show: ``pytest -m gpu tests/gpu/test_fleet.py``.

It passed on a host of two H200s (results/h200/2026-11-27-ray/).
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.projects import BENCHMARK

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra ray"),
]

torch = pytest.importorskip("torch")

SUITE = """
[suites.tiny]
models = ["resnet18", "mobilenet_v2", "squeezenet1_1", "shufflenet_v2_x1_0"]
shapes = [[1, 3, 224, 224]]
[suites.tiny.variants]
cuda = ["eager-fp32", "eager-fp16"]
"""


def measured(folder: Path, *options: str) -> tuple[dict[str, Any], str, float]:
    """The first replicate, what was told, and seconds."""
    folder.mkdir()
    (folder / "perfkit.toml").write_text(SUITE)
    (folder / "test_bench.py").write_text(BENCHMARK)
    began_s = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "perfkit", "run", "--replicates=2", "--baseline=none", *options),
            *("--", ".", "--perfkit-suite=tiny"),
        ],
        cwd=folder,
        env={**os.environ, "PERFKIT_HISTORY": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    (path,) = folder.glob("results/runs/*/replicate-1.json")
    return json.loads(path.read_text()), done.stderr, time.monotonic() - began_s


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_all_gpus_measure_and_the_record_is_that_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet, told, fleet_s = measured(tmp_path / "fleet", "--on=ray")
    state = fleet["perfkit"]["machine_state"]
    cards = {value for name, value in state.items() if re.fullmatch(r"process_\d+_gpu_uuid", name)}
    assert len(cards) == torch.cuda.device_count(), told
    assert {outcome["status"] for outcome in fleet["perfkit"]["outcomes"]} == {"measured"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    alone, _, alone_s = measured(tmp_path / "alone")
    assert fleet["perfkit"]["hardware"] == alone["perfkit"]["hardware"]
    assert fleet["perfkit"]["settings"] == alone["perfkit"]["settings"]
    assert fleet_s < alone_s
