"""NVIDIA's torch2trt as a variant: what it is asked for, with a stand-in for it that gives the model back."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from perfkit.catalog.profile import ShapeProfile
from perfkit.variants.registry import load_variant
from tests.variants.requests import PLAIN, Tiny, request_for

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PROFILE = ShapeProfile(min=(1, 3, 64, 64), opt=(1, 3, 80, 80), max=(2, 3, 96, 96))


def test_a_half_model_is_converted_for_the_whole_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def torch2trt(module: nn.Module, inputs: list[torch.Tensor], **options: Any) -> nn.Module:
        asked.update(options, inputs=inputs)
        object.__setattr__(module, "engine", SimpleNamespace(serialize=lambda: b"plan"))
        return module

    information = SimpleNamespace(
        activation_bytes=lambda _engine: 12, layer_information=lambda _engine: '{"Layers": ["first"]}'
    )
    monkeypatch.setitem(sys.modules, "torch2trt", SimpleNamespace(torch2trt=torch2trt))
    monkeypatch.setitem(sys.modules, "perfkit.variants._tensorrt", information)
    request = request_for(Tiny().eval(), PROFILE, PLAIN, tmp_path)
    built = load_variant("torch2trt-fp16").build(request)
    (example,) = asked.pop("inputs")
    assert (example.dtype, tuple(example.shape)) == (torch.half, PROFILE.opt)
    shapes = {"min_shapes": [PROFILE.min], "opt_shapes": [PROFILE.opt], "max_shapes": [PROFILE.max]}
    assert asked == {"fp16_mode": True, **shapes}
    assert (built.facts.engines, built.facts.engine_bytes, built.facts.layers) == (1, 4, 1)
    answer = built.call(built.prepare(request.example))
    torch.testing.assert_close(answer.float(), request.model(request.example), rtol=1e-2, atol=1e-2)
