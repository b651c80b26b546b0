"""The write-up's way and the honest one, with real variants on a CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.catalog.images import calibration_images
from perfkit.catalog.models import load_model
from perfkit.measure import writeup
from perfkit.measure.clock import CpuClock
from perfkit.report.writeup import writeup_lines
from perfkit.variants.registry import load_variant
from tests.variants.requests import CPU, FIXED, evaluation_batches, request_for

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_an_engine_is_saved_loaded_and_measured_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writeup, "LOOP_CALLS", 20)
    model = load_model("squeezenet1_1", calibration_images(), FIXED.opt, CPU)
    request = request_for(model.module, FIXED, model.preprocessing, tmp_path)
    pictures = evaluation_batches(FIXED.opt, model.preprocessing)
    eager = load_variant("eager-fp32")
    rows = [
        row
        for variant in (eager, load_variant("openvino-fp32"))
        for row in writeup.writeup_rows(variant, request, eager.build(request), pictures, CpuClock())
    ]
    parameters = sum(one.numel() for one in model.module.parameters())
    plain, engine = rows
    assert plain.file_bytes == plain.state_dict_bytes
    assert plain.file_bytes > 4 * parameters
    assert plain.reloaded_equal is None
    assert engine.state_dict_bytes is None
    assert engine.file_bytes > 4 * parameters
    assert engine.reloaded_equal is True
    assert engine.agreement.cosine_min > 0.999
    assert engine.device_s is None
    header, _, *lines = writeup_lines(rows)
    assert {line.count("|") for line in (header, *lines)} == {12}
    assert [line.split(" | ")[0] for line in lines] == ["| eager-fp32", "| openvino-fp32"]
    assert lines[1].endswith("| same bits |")
