"""What of Torch-TensorRT's TorchScript front end needs neither a GPU nor TensorRT."""

from __future__ import annotations

import base64
import sys
import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

from perfkit.catalog.profile import ShapeProfile
from perfkit.record.facts import BuildFacts
from perfkit.variants import _engine_stream, _torch_tensorrt_ts
from perfkit.variants._torch_tensorrt import EngineMissing
from perfkit.variants._torch_tensorrt_ts import (
    BuiltTorchscript,
    compile_traced,
    engines_of,
    load_module,
    operators,
    plan_of,
    save_module,
    trace,
)
from tests.variants.requests import FIXED, PLAIN, Tiny, request_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# PyTorch announces on every call that TorchScript will go; the front end under test takes nothing else.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

HALF = {"dtype": torch.half}


@pytest.fixture
def runtime() -> Iterator[None]:
    """The operator that runs an engine, for a class that PyTorch has by itself in place of the engines' own."""
    if hasattr(torch.ops.tensorrt, "execute_engine"):
        pytest.skip("Torch-TensorRT's own operator is loaded")
    library = torch.library.Library("tensorrt", "FRAGMENT")
    library.define(
        "execute_engine(Tensor[] inputs, __torch__.torch.classes.quantized.LinearPackedParamsBase engine) -> Tensor[]"
    )
    library.impl("execute_engine", lambda inputs, _engine: [inputs[0] * 2], "CompositeExplicitAutograd")
    yield
    library._destroy()


class Compiled(nn.Module):
    """As the compiler leaves it: engines are attributes, an operator is left to PyTorch in one branch of two."""

    def __init__(self) -> None:
        super().__init__()
        weight = torch.quantize_per_tensor(torch.rand(4, 4), 0.1, 0, torch.qint8)
        self.first = torch.ops.quantized.linear_prepack(weight, None)
        self.second = torch.ops.quantized.linear_prepack(weight, None)

    def forward(self, images: Tensor) -> Tensor:
        (halfway,) = torch.ops.tensorrt.execute_engine([images], self.first)
        if images.dim() == 4:
            halfway = torch.relu(halfway)
        else:
            (halfway,) = torch.ops.tensorrt.execute_engine([halfway], self.first)
        answers: list[Tensor] = torch.ops.tensorrt.execute_engine([halfway], self.second)
        return answers[0]


def test_a_traced_model_serves_other_sizes_and_its_operators_are_counted() -> None:
    model = Tiny().eval()
    traced = trace(model, torch.rand(FIXED.opt))
    images = torch.rand(2, 3, 80, 96)
    with torch.inference_mode():
        torch.testing.assert_close(traced(images), model(images))
    assert operators(traced.inlined_graph) == 3
    assert engines_of(traced) == []


@pytest.mark.usefixtures("runtime")
def test_engines_are_found_once_each_in_all_branches_and_come_back_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = []
    monkeypatch.setattr(_engine_stream, "turn_pool", lambda _draw, wanted: placed.append(wanted))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: SimpleNamespace(cuda_stream=7))
    module = torch.jit.script(Compiled().eval())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_module(module, tmp_path / "module.ts")
        loaded = load_module(tmp_path / "module.ts")
    for compiled in (module, loaded):
        assert len(engines_of(compiled)) == 2
        assert operators(compiled.graph) == 1
        built = BuiltTorchscript(compiled, BuildFacts(build_s=0))
        assert built.scripted is compiled
        images = built.prepare(torch.rand(FIXED.opt))
        assert images.dtype == torch.half
        for _ in range(2):
            assert torch.equal(built.call(images), images * 4)
    assert placed == [7, 7], "each engine at its first call, and then no more"


def test_a_file_without_engines_is_refused(tmp_path: Path) -> None:
    save_module(trace(Tiny().eval(), torch.rand(FIXED.opt)), tmp_path / "module.ts")
    with pytest.raises(EngineMissing, match=r"module\.ts holds no TensorRT engine"):
        load_module(tmp_path / "module.ts")


def test_a_plan_is_read_from_what_the_runtime_pickles(monkeypatch: pytest.MonkeyPatch) -> None:
    state = ["ABI", "name", "device", base64.b64encode(b"plan").decode()]
    monkeypatch.setattr(torch.ops, "tensorrt", SimpleNamespace(ENGINE_IDX=lambda: 3))
    engine: Any = SimpleNamespace(__getstate__=lambda: (state, "__torch__.torch.classes.tensorrt.Engine"))
    assert plan_of(engine) == b"plan"


def test_pytorch_pickles_an_object_of_cpp_with_the_name_of_its_class() -> None:
    """As a plan is unpacked; the first H200 showed that a fake had it otherwise."""
    weights = torch.quantize_per_tensor(torch.rand(2, 3), 0.1, 0, torch.qint8)
    state = torch.ops.quantized.linear_prepack(weights, None).__getstate__()
    assert len(state) == 2
    assert state[1].startswith("__torch__.torch.classes.")


def sum_of_lengths(plans: list[bytes]) -> int:
    return sum(map(len, plans))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a compiler is asked for that gives the traced model back as it is."""
    asked: dict[str, Any] = {}

    def compile_(module: nn.Module, **options: Any) -> nn.Module:
        asked.update(options)
        return module

    front_end = SimpleNamespace(compile=compile_, Input=dict, Device=lambda gpu_id: f"GPU {gpu_id}")
    monkeypatch.setitem(sys.modules, "torch_tensorrt", front_end)
    times = SimpleNamespace(activation_bytes_of=sum_of_lengths, layer_times_s=lambda *_: {"1x3x64x64": {"first": 1e-5}})
    monkeypatch.setitem(sys.modules, "perfkit.variants._tensorrt", times)
    return asked


@pytest.mark.case("B03")
def test_a_model_that_comes_back_without_engines_is_no_build(asked: dict[str, Any], tmp_path: Path) -> None:
    profile = ShapeProfile(min=(1, 3, 64, 64), opt=(1, 3, 64, 64), max=(4, 3, 64, 64))
    request = request_for(Tiny().eval(), profile, PLAIN, tmp_path)
    with pytest.raises(EngineMissing, match="no TensorRT engine was built"):
        compile_traced(request)
    (described,) = asked["inputs"]
    assert described == {"min_shape": profile.min, "opt_shape": (2, 3, 64, 64), "max_shape": profile.max} | HALF
    assert (asked["ir"], asked["enabled_precisions"]) == ("ts", {torch.half})
    assert asked["disable_tf32"] is False
    assert next(request.model.parameters()).dtype == torch.float32


def test_engines_tell_their_size_and_layers(
    asked: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names alone, as this front end builds them: nothing can be said of their precision then."""
    engine = SimpleNamespace(get_engine_layer_info=lambda: '{"Layers": ["first", "second"]}')
    monkeypatch.setattr(_torch_tensorrt_ts, "engines_of", lambda _module: [engine])
    monkeypatch.setattr(_torch_tensorrt_ts, "plan_of", lambda _engine: b"plan")
    monkeypatch.setattr(_torch_tensorrt_ts, "device_share", lambda ops, _call: ops / 4)  # the profiler needs a GPU
    built = compile_traced(request_for(Tiny().eval(), FIXED, PLAIN, tmp_path))
    assert asked["inputs"] == [{"shape": FIXED.opt} | HALF]
    facts = built.facts
    assert (facts.engines, facts.engine_bytes, facts.layers, facts.layer_formats) == (1, 4, 2, None)
    assert (facts.fallback_ops, facts.total_ops, facts.activation_bytes) == (3, 3, 4)
    assert facts.fallback_device_share == 0.75
    assert built.layers is not None
    assert [layer.time_s for layer in built.layers.layers] == [{"1x3x64x64": 1e-5}, {}]
