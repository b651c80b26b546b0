"""The 2022 write-up's table done its way beside the honest one: mobilenet_v2, one dynamic engine, at 1x3x224x224.

It asserts what the write-up left open, and prints both tables; it judges no speed, that is test_latency's. It builds
its engines anew, which takes minutes, so it runs where it is asked for by name: ``pytest benchmarks/test_writeup.py``.
"""

from __future__ import annotations

from pathlib import Path

import pytest


def test_writeup(pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]) -> None:
    """The engines answer as eager-fp32 does, and so does what was saved and loaded again."""
    if not any(Path(__file__).name in str(argument) for argument in pytestconfig.invocation_params.args):
        pytest.skip("it builds its engines anew: run it by name, pytest benchmarks/test_writeup.py")
    import torch

    from benchmarks.writeup.measure import measure_writeup
    from benchmarks.writeup.table import writeup_lines
    from perfkit.catalog.case import Platform
    from perfkit.variants.registry import load_variant, why_unavailable

    if reason := why_unavailable(load_variant("trt-fp16"), Platform.CUDA):
        pytest.skip(f"the write-up is about TensorRT's engines: {reason}")
    rows = measure_writeup(pytestconfig.rootpath, torch.device("cuda", 0))
    with capsys.disabled():
        print("", *writeup_lines(rows), sep="\n")  # noqa: T201 - people read it
    engines = [row for row in rows if row.reloaded_equal is not None]
    assert {"trt-fp16", "trt-fp16-graph"} <= {row.variant for row in engines}
    for row in engines:
        assert row.agreement.cosine_min > 0.99, row.variant
        assert row.reloaded_equal, row.variant
