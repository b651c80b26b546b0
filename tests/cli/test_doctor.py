from __future__ import annotations

import contextlib
import io
import json
from typing import Any

import pytest

from perfkit.cli import main
from perfkit.measure import machine
from perfkit.report.text import cell_width
from perfkit.variants.registry import variant_names

torch = pytest.importorskip("torch")


def told(*options: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["doctor", *options]) == 0
    return out.getvalue()


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    examined: dict[str, Any] = json.loads(told("--json"))
    return examined


def test_every_variant_is_told_with_its_reason_in_one_line(found: dict[str, Any]) -> None:
    assert set(found["variants"]) == set(variant_names())
    for homes in found["variants"].values():
        assert homes
        assert all("\n" not in reason for reason in homes.values())
    assert found["variants"]["eager-fp32"]["cpu"] == ""
    assert found["variants"]["openvino-int8"] == {"cpu": ""}


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what a machine without a GPU is told")
def test_without_a_gpu_its_variants_say_what_they_need(found: dict[str, Any]) -> None:
    assert found["gpu"] is None
    assert set(found["variants"]["trt-fp16"]) == {"cuda"}
    assert found["variants"]["trt-fp16"]["cuda"]
    assert "  none that PyTorch can see" in told().splitlines()


def test_versions_processor_and_state(found: dict[str, Any]) -> None:
    assert found["software"]["torch"] == torch.__version__
    assert found["cpu"]["name"] == machine.cpu_name()
    assert found["cpu"]["threads"] == torch.get_num_threads()
    assert "load_average_1min" in found["state"]


def test_a_narrow_terminal_gets_folded_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert max(map(cell_width, told().splitlines())) <= 40


def test_the_text_holds_what_the_json_holds(found: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    remark = "the fans are loud"
    monkeypatch.setattr("perfkit.measure.health.remarks", lambda: [remark])
    lines = told().splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        "cpu", "gpu", "software", "state", "variants", "remarks",
    ]  # fmt: skip
    assert f"  - {remark}" in lines
    for name, homes in found["variants"].items():
        for platform, reason in homes.items():
            (line,) = (line for line in lines if line.split()[:2] == [name, platform])
            assert line.endswith(f"no: {reason}" if reason else "can run")


def test_a_quiet_machine_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perfkit.measure.health.remarks", list)
    assert told().splitlines()[-1] == "  nothing that would disturb a measurement"
