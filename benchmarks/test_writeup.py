"""The 2022 write-up's table done its way beside the honest one: mobilenet_v2, one dynamic engine, at 1x3x224x224.

It asserts what the write-up's numbers hide, and prints both tables; it judges no speed, that is test_latency's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from perfkit.record.writeup import WriteupRow


def test_writeup(pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]) -> None:
    """What its table hides: how large the saved file is, and whether what it holds answers right."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip("the write-up is about TensorRT's engines: no CUDA device is visible to PyTorch")
    from perfkit.measure.writeup import measure_writeup
    from perfkit.report.writeup import writeup_lines

    rows = measure_writeup(pytestconfig.rootpath, torch.device("cuda", 0))
    with capsys.disabled():
        print("", *writeup_lines(rows), sep="\n")  # noqa: T201 - people read it
    engines = {row.variant: row for row in rows if not row.variant.startswith("eager")}
    assert "trt-fp16" in engines, "the write-up's own engine could not be built here"
    for row in engines.values():
        check(row)


def check(row: WriteupRow) -> None:
    """One engine's row: its answers are right, the saved file gives the same, and it isn't an empty state dict."""
    assert row.agreement.cosine_min > 0.99, row.variant
    assert row.reloaded_equal, row.variant
    assert row.state_dict_bytes is None or row.file_bytes > 100 * row.state_dict_bytes, row.variant
