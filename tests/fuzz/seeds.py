"""Valid files of every kind, for the fuzzers to change: made up, or committed and cut to a few cases."""

from __future__ import annotations

import json
import lzma
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

from perfkit.catalog.case import CaseId
from perfkit.record.baseline import Baseline
from perfkit.record.baseline_file import baseline_json
from perfkit.record.layers import EngineLayers
from perfkit.replicates.request import Request
from perfkit.store.archive import export_entries
from perfkit.store.engine_store import EngineStore
from perfkit.store.entry import MANIFEST
from perfkit.variants._inspector import described_layers, engine_layers
from tests.store.support import key, put
from tests.support import CPU, INPUTS, make_run, plain_data, run_data

ROOT = Path(__file__).parents[2]
CASES = {CaseId("resnet50", variant, "1x3x224x224"): (4e-3, 2e-3) for variant in ("eager-fp32", "trt-int8")}


def as_json(data: object) -> bytes:
    return json.dumps(data, allow_nan=False).encode()


def usual_baseline() -> Baseline:
    runs = [make_run(CASES, rounds=5, day=day) for day in (1, 2, 3)]
    return Baseline("usual", runs[0].hardware, tuple(run.replicate for run in runs))


def inspected() -> tuple[bytes, ...]:
    """What TensorRT said of two engines."""
    files = sorted((ROOT / "results/h100/inspector").glob("resnet18-trt-*"))
    return tuple(lzma.decompress(path.read_bytes()) for path in files)


def runs() -> tuple[bytes, ...]:
    own = [run_data(CASES, rounds=5, day=9), run_data(CASES, rounds=5, hardware=CPU)]
    measured = json.loads((ROOT / "results/h100/2026-11-25-quick-run1.json").read_bytes())
    measured["benchmarks"] = measured["benchmarks"][:2]
    measured["perfkit"]["outcomes"] = measured["perfkit"]["outcomes"][:2]
    return (*map(as_json, [*own, measured]), *plain())


def plain() -> tuple[bytes, ...]:
    made_up = plain_data({which: seconds for which, (_, seconds) in CASES.items()}, rounds=5)
    theirs = [INPUTS.parents[1] / "cli/inputs/pytest-benchmark-5.3.1.json", *sorted((INPUTS / "A05").rglob("*.json"))]
    return (as_json(made_up), *(path.read_bytes() for path in theirs))


def baselines() -> tuple[bytes, ...]:
    committed = json.loads((ROOT / "results/h100/2026-11-26-nights/baseline.json").read_bytes())
    committed["anchors"] = committed.get("anchors", [])[:2]
    committed["replicates"] = committed["replicates"][:2]
    for replicate in committed["replicates"]:
        replicate["samples"] = replicate["samples"][:2]
    usual = usual_baseline()
    return as_json(committed), as_json(baseline_json(usual.hardware, usual.replicates, "made up"))


def records() -> list[dict[str, Any]]:
    data = run_data(CASES, rounds=5)
    entries, run = data.pop("benchmarks"), data.pop("perfkit")
    tests = [{"test": f"test[{which}]", "case": list(which)} for which in CASES]
    records: list[dict[str, Any]] = [{"kind": "session", "skeleton": data, "run": run, "tests": tests}]
    for test, entry, outcome in zip(tests, entries, run["outcomes"], strict=True):
        model, variant, shape = test["case"]
        records += [{"kind": "doing", "model": model, "variant": variant, "shape": shape}]
        records += [{"kind": "ended", "test": test["test"], "outcome": outcome, "entry": entry}]
    return [*records, {"kind": "finished", "machine_state": {"end_load": 1.5}, "spent_s": {"measuring": 3.0}}]


def request() -> dict[str, Any]:
    asked = Request(arguments=["benchmarks/"], replicates=3, repeats=2, baseline="auto", code={"commit": "0" * 12})
    return asked.model_dump(mode="json")


def tables() -> bytes:
    shipped = (ROOT / "src/perfkit/catalog/suites.toml").read_bytes()
    own = b"""
[judging."resnet50/*/1x3x224x224"]
tolerance = "8%"
minimum_effect = { "wall time" = "3%" }
minimum_speed = { "trt-fp16" = "1.1x" }
"""
    return shipped.replace(b"[measure]\n", b'[measure]\ncpu_affinity = "0-3,8"\n') + own


WAIVERS = b"""
[[waiver]]
case = "resnet50/*/1x3x*"
metric = "device *"
size = "8%"
owner = "ana"
reason = "cuDNN 9.8, to be mended by then"
expires = 2030-02-01

[[waiver]]
case = "*"
metric = "wall time"
size = "0.3 ms"
owner = "ben"
reason = "a slower host"
expires = "2030-03-01"
"""

OPTIONS = (
    "1x3x224x224",
    "90d",
    "2026-01-31",
    "resnet18/openvino-int8/1x3x224x224=slow:10%",
    "resnet18/openvino-int8/1x3x224x224=fp32-engine",
    "test[{model}/{variant}/{shape}]",
    "test_infer[{model}-*-{variant}]",
    "resnet50/*/* resnet50_v1/*/*",
)


def stored(folder: Path) -> bytes:
    return (put(EngineStore(folder / "seed", 2**40), key()).folder / MANIFEST).read_bytes()


def told_layers(information: bytes) -> bytes:
    described = described_layers(information.decode())
    times_s = {"1x3x224x224": {str(layer["Name"]): 1e-5 for layer in described if isinstance(layer, dict)}}
    return EngineLayers(layers=engine_layers(described, times_s)).model_dump_json().encode()


def exported(folder: Path) -> bytes:
    store, path = EngineStore(folder / "exported", 2**40), folder / "exported.tar"
    export_entries([put(store, key()), put(store, key(model="resnet18"), b"another engine")], path)
    return path.read_bytes()


def foreign_archive() -> bytes:
    """Links, devices, names with paths, and headers of every kind that tar has had."""
    file = BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, kind in (
            ("a" * 64 + "/engine.bin", tarfile.REGTYPE),
            ("../evil", tarfile.REGTYPE),
            ("b" * 64 + "/" + "n" * 150, tarfile.REGTYPE),
            ("a" * 64 + "/link", tarfile.SYMTYPE),
            ("a" * 64 + "/hard", tarfile.LNKTYPE),
            ("a" * 64 + "/pipe", tarfile.FIFOTYPE),
            ("a" * 64 + "/sparse", tarfile.GNUTYPE_SPARSE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, "/etc/passwd", 5 if kind == tarfile.REGTYPE else 0
            archive.addfile(info, BytesIO(b"12345"))
    return file.getvalue()
