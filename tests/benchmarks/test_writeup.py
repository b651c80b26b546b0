"""The write-up's way and the honest one, with a real model and a real engine on a CPU; a GPU takes the same path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from benchmarks.writeup import measure
from benchmarks.writeup.table import writeup_lines
from tests.variants.requests import CPU

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PARAMETERS = 3_504_872
"""Of mobilenet_v2."""


def test_an_engine_is_saved_loaded_and_measured_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "LOOP_CALLS", 20)
    plain, engine = rows = measure.measure_writeup(tmp_path, CPU)
    assert plain.file_bytes == plain.state_dict_bytes
    assert plain.file_bytes > 4 * PARAMETERS
    assert plain.reloaded_equal is None
    assert engine.state_dict_bytes is None
    # BatchNorms are folded into the convolutions.
    assert engine.file_bytes > 3.9 * PARAMETERS
    assert engine.reloaded_equal is True
    assert engine.agreement.cosine_min > 0.999
    assert engine.device_s is None
    header, _, *lines = writeup_lines(rows)
    assert {line.count("|") for line in (header, *lines)} == {12}
    assert [line.split(" | ")[0] for line in lines] == ["| eager-fp32", "| openvino-fp32"]
    assert lines[1].endswith("| same bits |")


def test_a_module_that_cannot_give_its_state_has_no_size() -> None:
    """Torch-TensorRT's module with engines of its C++ runtime."""

    class Stateless(nn.Module):
        def get_extra_state(self) -> object:
            raise NotImplementedError("'__len__' is not implemented")

    assert measure._state_bytes(nn.Sequential(Stateless())) is None
    size = measure._state_bytes(nn.Linear(100, 10))
    assert size is not None
    assert size > 4 * 1010
