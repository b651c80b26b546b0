"""What of the Torch-TensorRT variants needs neither a GPU nor TensorRT."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from perfkit.record.facts import BuildFacts
from perfkit.variants import _torch_tensorrt
from perfkit.variants._export import export
from perfkit.variants._fallback import count_fallback, count_operators, device_share, fallback_note
from perfkit.variants._torch_tensorrt import BuiltTensorrt, EngineMissing, load_module, save_module
from tests.variants.requests import FIXED, Tiny

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.case("B03")
def test_operators_left_to_pytorch_are_counted_in_all_submodules() -> None:
    """Neither parameters and inputs nor the plumbing between engines are operators."""
    graph = torch.fx.symbolic_trace(Tiny().eval())
    program, _ = export(Tiny().eval(), FIXED, torch.rand(FIXED.opt))
    assert count_operators(program.graph_module) == 3
    assert count_fallback(nn.Sequential(graph, nn.ReLU())) == count_operators(graph) > 0
    assert count_operators(nn.ReLU()) == 0


@pytest.mark.case("B03")
def test_b03_what_is_left_to_pytorch_is_named() -> None:
    """The most frequent first, and few enough for a line."""
    program, _ = export(nn.Sequential(Tiny(), nn.Flatten(), nn.Linear(4, 4)).eval(), FIXED, torch.rand(FIXED.opt))
    twice = nn.Sequential(program.module(), program.module())
    (note,) = fallback_note(twice)
    assert note.startswith("left to PyTorch: ")
    assert "aten.conv2d.default (2)" in note
    assert count_fallback(twice) == 2 * count_operators(program.graph_module)
    assert fallback_note(nn.ReLU()) == []


def test_nothing_left_to_pytorch_takes_no_device_time() -> None:
    """And needs no profiler: the call isn't made."""
    assert device_share(0, lambda: pytest.fail("called")) == 0.0


def test_inputs_are_half_before_the_timed_call() -> None:
    built = BuiltTensorrt(nn.Identity(), BuildFacts(build_s=0))
    inputs = built.prepare(torch.rand(1, 3, 8, 8))
    assert inputs.dtype == torch.half
    assert built.call(inputs) is inputs
    built.close()
    with pytest.raises(TypeError):
        built.call(inputs)


def test_the_builders_debugger_leaves_logging_as_it_was() -> None:
    """It is asked for details of layers, and configures the root logger by the way."""

    asked = []

    @contextmanager
    def debugger(**options: object) -> Iterator[None]:
        asked.append(options)
        logging.getLogger().setLevel(logging.DEBUG)
        logging.getLogger().addHandler(logging.NullHandler())
        yield

    before = logging.getLogger().level, list(logging.getLogger().handlers)
    with (
        pytest.raises(ZeroDivisionError),
        _torch_tensorrt._detailed_layers(SimpleNamespace(dynamo=SimpleNamespace(Debugger=debugger))),
    ):
        raise ZeroDivisionError
    assert (logging.getLogger().level, logging.getLogger().handlers) == before
    assert asked[0]["save_engine_profile"] is True
    assert not Path(str(asked[0]["logging_dir"])).exists()
    with _torch_tensorrt._detailed_layers(SimpleNamespace(dynamo=SimpleNamespace())):
        assert len(asked) == 1


class Attending(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return nn.functional.scaled_dot_product_attention(images, images, images)


@pytest.mark.parametrize(
    ("model", "has_layer", "options"),
    [(Attending(), False, {"decompose_attention": True}), (Attending(), True, {}), (Tiny().eval(), False, {})],
)
def test_attention_is_taken_apart_where_tensorrt_has_no_layer_for_it(
    model: nn.Module, has_layer: bool, options: dict[str, bool]
) -> None:
    """Torch-TensorRT 2.11 asks every TensorRT for the layer; the build ends with an AttributeError."""

    def compiler(program: object, decompose_attention: bool = False) -> None:
        raise NotImplementedError

    program, _ = export(model, FIXED, torch.rand(FIXED.opt))
    network = type("Network", (), {"add_attention": None} if has_layer else {})
    found, notes = _torch_tensorrt._attention(program, compiler, network)
    assert found == options
    assert len(notes) == len(options)
    assert _torch_tensorrt._attention(program, lambda: None, network) == ({}, [])


class EngineLike(nn.Module):
    """Set up, deferred and flagged as Torch-TensorRT's module is; a live engine can't be pickled."""

    def __init__(self, serialized_engine: bytes) -> None:
        super().__init__()
        self.serialized_engine = serialized_engine
        self.engine: object | None = None
        self.unowned = False
        self.setup_engine()

    def setup_engine(self) -> None:
        self.engine = (byte for byte in self.serialized_engine)
        self.unowned = False

    def are_output_tensors_unowned(self) -> bool:
        return self.unowned

    def set_output_tensors_as_unowned(self, enabled: bool) -> None:
        assert self.engine is not None
        self.unowned = enabled

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert self.engine is not None
        return images * len(self.serialized_engine)


def compiled(engine: nn.Module) -> torch.fx.GraphModule:
    """As Torch-TensorRT leaves it: an exported program's graph around an engine, with the program's call signature."""
    program = torch.export.export(Tiny().eval(), (torch.rand(FIXED.opt),))
    whole = program.module(check_guards=False)
    whole.add_module("_run_on_acc_0", engine)
    graph = whole.graph
    (images,) = (node for node in graph.nodes if node.op == "placeholder")
    for node in reversed([node for node in graph.nodes if node.op not in ("placeholder", "output")]):
        if node.name == "mean":
            with graph.inserting_before(node):
                node.replace_all_uses_with(graph.call_module("_run_on_acc_0", (images,)))
        graph.erase_node(node)
    module = torch.fx.GraphModule(whole, graph)
    module._in_spec, module._out_spec = program.call_spec.in_spec, program.call_spec.out_spec
    module.recompile()
    return module


def test_a_module_with_engines_comes_back_whole(tmp_path: Path) -> None:
    """Live engines are left out of the file, stay in the module that is saved, and are set up when it is loaded."""
    engine = EngineLike(b"123")
    engine.set_output_tensors_as_unowned(True)
    module = compiled(engine)
    live = engine.engine
    save_module(module, tmp_path / "module.pt")
    assert engine.engine is live
    loaded = load_module(tmp_path / "module.pt")
    images = torch.rand(FIXED.opt)
    torch.testing.assert_close(loaded(images), module(images))
    (found,) = (child for child in loaded.modules() if isinstance(child, EngineLike))
    assert (found.serialized_engine, found.unowned) == (b"123", True)


def test_a_loaded_module_goes_the_same_way_on_the_host(tmp_path: Path) -> None:
    """Unpickled as graph modules are, it would be traced anew and lose the handling of its signature."""
    module = compiled(EngineLike(b"123"))
    save_module(module, tmp_path / "module.pt")
    loaded = load_module(tmp_path / "module.pt")
    names = ("tree_flatten_spec", "tree_unflatten", "_run_on_acc_0")
    assert all(name in module.code for name in names)
    assert loaded.forward.__code__.co_names == type(module).forward.__code__.co_names


def test_a_failed_save_leaves_the_module_as_it_was(tmp_path: Path) -> None:
    engine = EngineLike(b"123")
    live = engine.engine
    with pytest.raises(RuntimeError):
        save_module(compiled(engine), tmp_path / "no" / "module.pt")
    assert engine.engine is live


def test_a_file_without_engines_is_refused(tmp_path: Path) -> None:
    save_module(compiled(nn.Identity()), tmp_path / "module.pt")
    with pytest.raises(EngineMissing, match=r"module\.pt holds no TensorRT engine"):
        load_module(tmp_path / "module.pt")
