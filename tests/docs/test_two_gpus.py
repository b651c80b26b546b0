"""docs/scripts/two_gpus.sh and .py without a host of two GPUs: the steps by made-up programs, the tables by made-up
records."""

from __future__ import annotations

import json
import math
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.cli import main
from tests.shards import cut
from tests.support import CPU, GPU, case, run_data

if TYPE_CHECKING:
    from perfkit.record.schema import Hardware

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "docs" / "scripts"
MODELS = (["mobilenet_v2"], ["resnet50"])
CASES = [case(variant, model) for (model,) in MODELS for variant in ("eager-fp32", "trt-fp16")]


def test_each_step_uses_the_card_that_it_is_about(host: Any, tmp_path: Path) -> None:
    """And what is there isn't measured again."""
    done = host("two_gpus.sh", "build", "alone", "shards", "neighbour", PAIRS="2")
    assert (done.returncode, done.stderr) == (0, "")
    asked = [line.partition("|") for line in (tmp_path / "log").read_text().splitlines()]
    folders = {
        text.split("--results kept/run-")[1].split()[0]: (
            card,
            "--shard" in text and text.split("--shard ")[1].split()[0],
        )
        for card, _, text in asked
        if "perfkit run" in text
    }
    assert folders == {
        "alone-0": ("GPU-one", False),
        "alone-1": ("GPU-two", False),
        "shard-1": ("GPU-one", "1/2"),
        "shard-2": ("GPU-two", "2/2"),
        **{f"{way}-{pair}": ("GPU-one", False) for way in ("idle", "busy") for pair in (1, 2)},
    }
    order = [text.split("run-")[1].split()[0] for _, _, text in asked if "run-idle" in text or "run-busy" in text]
    assert order == ["idle-1", "busy-1", "busy-2", "idle-2"]
    assert {card for card, _, text in asked if "--load" in text} == {"GPU-two"}
    assert [line.split("\t")[0] for line in (tmp_path / "kept" / "seconds.tsv").read_text().splitlines()] == [
        "alone-0",
        "alone-1",
        "shards",
    ]
    assert not list((tmp_path / "kept").glob("run-*"))
    assert host("two_gpus.sh", "alone", "shards", "neighbour", PAIRS="2").returncode == 0
    assert len((tmp_path / "log").read_text().splitlines()) == len(asked)


@pytest.mark.parametrize("step", ["alone", "shards", "neighbour"])
def test_what_fails_is_not_kept(host: Any, tmp_path: Path, step: str) -> None:
    done = host("two_gpus.sh", step, CODE="4")
    assert done.returncode == 1
    assert "exit code 4, see kept/" in done.stderr
    assert not (tmp_path / "kept" / "seconds.tsv").exists()
    assert not [path for path in (tmp_path / "kept").iterdir() if path.is_dir() and not path.name.startswith("run-")]


def test_a_host_with_one_card_is_refused(host: Any, tmp_path: Path) -> None:
    (tmp_path / "bin" / "nvidia-smi").write_text("#!/usr/bin/env bash\necho GPU-one\n")
    done = host("two_gpus.sh", "alone")
    assert (done.returncode, done.stderr) == (64, "this host shows 1 GPU\n")


def measured(folder: Path, factors: dict[str, float], hardware: Hardware) -> None:
    """What the script leaves: a card that is slower by itself, and one that is slower beside a busy one."""

    def data(day: int, factor: float = 1.0) -> dict[str, Any]:
        times = dict.fromkeys(CASES, (4e-3, 1e-3 * factor))
        software = {"python": "3.12.1", "torch": "2.11.0"}
        return run_data(times, day=day, jitter=0.0, hardware=hardware, software=software)

    for number, (name, factor) in enumerate(factors.items(), 1):
        path = folder / name / "replicate-1.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(data(number, factor)))
    for name, shard in zip(("shard-1", "shard-2"), cut(data(30), *MODELS), strict=True):
        shard["perfkit"]["machine_state"] = {"start_gpu_uuid": f"GPU-{name}"}
        (folder / name).mkdir()
        (folder / name / "replicate-1.json").write_text(json.dumps(shard))
    shards = [str(folder / name) for name in ("shard-1", "shard-2")]
    main(["merge", *shards, "--output", str(folder / "merged"), "--baseline", "none", "--results", str(folder)])
    (folder / "seconds.tsv").write_text("alone-0\t300.0\nalone-1\t310.0\nshards\t170.0\n")


@pytest.mark.parametrize("hardware", [GPU, CPU], ids=["cuda", "cpu"])
def test_the_tables_are_what_was_measured(
    hardware: Hardware, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PERFKIT_HISTORY", "none")
    monkeypatch.syspath_prepend(SCRIPTS)
    slower = {"idle-1": 1.0, "busy-1": 1.01, "idle-2": 1.0, "busy-2": 1.03}
    measured(tmp_path, {"alone-0": 1.0, "alone-1": 1.1, **slower}, hardware)
    capsys.readouterr()
    text: str = runpy.run_path(str(SCRIPTS / "two_gpus.py"))["tables"](tmp_path)
    assert "| on both, a shard each | 170 | 1.76 |" in text
    assert "shard 1: mobilenet_v2 on GPU-shard-1; shard 2: resnet50 on GPU-shard-2." in text
    if hardware is CPU:
        assert "device" not in text
        assert "| wall time | +10.00% | +10.00% to +10.00% |" in text
    else:
        assert "| device time | +10.00% | +10.00% to +10.00% |" in text
    # Two values: their mean, and 12.706 standard errors of it, which is half of their distance.
    low, high = math.log(1.01), math.log(1.03)
    mean, half = (low + high) / 2, 12.7062 * (high - low) / 2
    told = [100 * math.expm1(log) for log in (mean, mean - half, mean + half)]
    clock = "wall" if hardware is CPU else "device"
    assert f"| {clock} time | {told[0]:+.2f}% | {told[1]:+.2f}% to {told[2]:+.2f}% | mobilenet_v2/" in text
    assert "2 pairs of replicates, 4 cases of the first card." in text
