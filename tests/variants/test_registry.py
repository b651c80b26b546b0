from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
import torch

from perfkit import entry_points
from perfkit.catalog.case import Platform
from perfkit.errors import UserError, reason_of
from perfkit.variants.base import Variant
from perfkit.variants.registry import load_variant, variant_names, why_unavailable
from tests.projects import register

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="says what can't run without a GPU")


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A second distribution with variants, most of them broken."""
    register(
        tmp_path,
        {
            "twin": "tests.fakes:Twin",
            "gone": "tests.nowhere:Gone",
            "nameless": "tests.fakes:Nameless",
            "no-variant": "tests.fakes:NotAVariant",
            "a-function": "tests.fakes:_log",
        },
    )
    monkeypatch.syspath_prepend(tmp_path)
    entry_points._of_all_packages.cache_clear()
    yield
    monkeypatch.undo()
    entry_points._of_all_packages.cache_clear()


def test_installed_packages_are_looked_through_once_for_all_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Mock(wraps=importlib.metadata.entry_points)
    monkeypatch.setattr(entry_points, "entry_points", asked)
    entry_points._of_all_packages.cache_clear()
    assert "eager-fp32" in entry_points.registered("perfkit.variants")
    assert entry_points.registered("perfkit.nothing") == {}
    asked.assert_called_once_with()
    entry_points._of_all_packages.cache_clear()


def test_every_shipped_variant_is_registered_under_its_own_name() -> None:
    names = {
        "eager-fp32", "eager-fp16", "eager-bf16", "channels-last-fp16", "inductor-fp32", "inductor-fp16",
        "openvino-fp32", "openvino-int8", "trt-fp16", "trt-int8", "trt-fp8", "trt-ts-fp16",
        "onnx-trt-fp16", "onnx-trt-int8", "onnx-trt-fp8", "torch2trt-fp16",
    }  # fmt: skip
    assert names <= set(variant_names())
    assert variant_names() == sorted(variant_names())
    for name in names:
        variant = load_variant(name)
        assert variant.name == name
        assert 0.9 < variant.cosine_bound <= 1


def test_variants_are_loaded_without_what_they_are_built_with() -> None:
    code = (
        "import sys; from perfkit.variants.registry import load_variant, variant_names\n"
        "assert all(map(load_variant, variant_names()))\n"
        "heavy = {'torch', 'tensorrt', 'torch_tensorrt', 'torch2trt', 'modelopt', 'openvino', 'nncf', 'numpy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.usefixtures("made_up")
def test_another_distribution_adds_its_own() -> None:
    assert {"twin", "eager-fp32"} <= set(variant_names())
    assert load_variant("twin").name == "twin"


@pytest.mark.usefixtures("made_up")
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("gone", "variant 'gone' (tests.nowhere:Gone) can't be imported: ModuleNotFoundError: No module named"),
        ("nameless", "variant 'nameless' (tests.fakes:Nameless) can't be imported: AttributeError: "),
        ("no-variant", "variant 'no-variant': tests.fakes:NotAVariant is not a subclass of perfkit.variants.base.Va"),
        ("a-function", "variant 'a-function': tests.fakes:_log is not a subclass of perfkit.variants.base.Variant"),
    ],
)
def test_a_broken_registration_is_one_line(name: str, line: str) -> None:
    with pytest.raises(UserError) as caught:
        load_variant(name)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "eager-fp16", "channels-last-fp16", "inductor-fp16", "trt-fp16", "trt-int8", "trt-fp8", "trt-ts-fp16",
        "onnx-trt-fp8", "torch2trt-fp16",
    ],
)  # fmt: skip
def test_what_exists_on_cuda_only(name: str) -> None:
    assert why_unavailable(load_variant(name), Platform.CPU) == f"{name} exists on platform cuda only"


@pytest.mark.parametrize("name", ["openvino-fp32", "openvino-int8"])
def test_what_exists_on_the_cpu_only(name: str) -> None:
    assert why_unavailable(load_variant(name), Platform.CUDA) == f"{name} exists on platform cpu only"


@without_gpu
@pytest.mark.parametrize("name", ["eager-fp32", "trt-fp16"])
def test_no_device_is_the_reason_on_cuda(name: str) -> None:
    assert why_unavailable(load_variant(name), Platform.CUDA) == "no CUDA device is visible to PyTorch"


@without_gpu
@pytest.mark.parametrize("name", ["trt-fp8", "onnx-trt-fp8"])
def test_fp8_without_a_gpu_says_so_in_one_line(name: str) -> None:
    reason = load_variant(name).unavailable() or ""
    assert reason.startswith("FP8 needs a GPU of compute capability 8.9 or higher: ")
    assert "\n" not in reason


@pytest.mark.parametrize("name", ["trt-fp8", "onnx-trt-fp8"])
@pytest.mark.parametrize(
    ("capability", "reason"),
    [
        ((8, 6), "FP8 needs a GPU of compute capability 8.9 or higher, this one has 8.6"),
        ((8, 9), "what is installed is asked next"),
        ((9, 0), "what is installed is asked next"),
    ],
)
def test_fp8_asks_the_gpu_first(
    name: str, capability: tuple[int, int], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = load_variant(name)
    base = type(variant).__mro__[1]
    monkeypatch.setattr(base, "unavailable", lambda _self: "what is installed is asked next")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert variant.unavailable() == reason


@pytest.mark.parametrize("name", ["eager-fp32", "eager-bf16", "inductor-fp32", "openvino-fp32", "openvino-int8"])
def test_what_runs_on_this_cpu(name: str) -> None:
    assert why_unavailable(load_variant(name), Platform.CPU) is None


@pytest.mark.parametrize(
    ("name", "installed", "missing"),
    [("openvino-fp32", [], "openvino"), ("openvino-int8", [], "openvino"), ("openvino-int8", ["openvino"], "nncf")],
)
def test_a_missing_package_is_the_reason(
    name: str, installed: list[str], missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the hint how to install it."""
    variant = load_variant(name)
    for package in installed:
        (tmp_path / f"{package}.py").touch()
    for module in [module for module in sys.modules if module.partition(".")[0] in ("openvino", "nncf")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert variant.unavailable() == f"{missing} is not installed; pip install 'perfkit[cpu]'"


def test_inductor_needs_a_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "needs a C++ compiler" in (load_variant("inductor-fp32").unavailable() or "")


@without_gpu
@pytest.mark.parametrize("name", ["trt-fp16", "trt-int8", "trt-ts-fp16"])
def test_tensorrt_says_why_in_one_line_and_does_not_raise(name: str) -> None:
    """Not installed, or installed without a driver, where its import raises whatever it likes."""
    reason = load_variant(name).unavailable()
    assert reason is not None
    assert reason.startswith("torch_tensorrt can't be imported: ")
    assert reason.endswith("pip install 'perfkit[trt]'")
    assert "\n" not in reason


@pytest.mark.parametrize(
    "code",
    [
        "raise Exception('no driver\\nsecond line')",
        "import nothing_of_that_name",
        "import os; raise OSError('libcuda')",
    ],
)
def test_whatever_tensorrts_import_raises_is_a_reason(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch_tensorrt.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torch_tensorrt", raising=False)
    reason = load_variant("trt-fp16").unavailable()
    assert reason is not None
    assert reason.startswith("torch_tensorrt can't be imported: ")
    assert "second line" not in reason


def test_nothing_is_missing_where_tensorrt_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its import may warn, even where warnings are errors."""
    (tmp_path / "torch_tensorrt.py").write_text("import warnings\nwarnings.warn('untested with this CUDA')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torch_tensorrt", raising=False)
    assert load_variant("trt-fp16").unavailable() is None


@pytest.mark.parametrize(
    ("is_installed", "reason"), [(True, None), (False, "modelopt is not installed; pip install 'perfkit[trt]'")]
)
def test_what_only_a_build_needs_is_looked_for_and_not_imported(
    is_installed: bool, reason: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ModelOpt, which an engine from the store can do without."""
    (tmp_path / "torch_tensorrt.py").touch()
    (tmp_path / "modelopt").mkdir()
    (tmp_path / "modelopt" / "__init__.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("torch_tensorrt", "modelopt"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    if not is_installed:
        monkeypatch.setattr("perfkit.variants._packages.find_spec", lambda _: None)
    assert load_variant("trt-int8").unavailable() == reason


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("ts = 'the front end'", None),
        ("", "this Torch-TensorRT was built without its TorchScript front end (torch_tensorrt.ts)"),
        ("raise OSError('libcuda')", "torch_tensorrt can't be imported: OSError: libcuda; pip install 'perfkit[trt]'"),
    ],
)
def test_the_torchscript_front_end_is_looked_for(
    code: str, reason: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what the installed version has, not by its number."""
    (tmp_path / "torch_tensorrt.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torch_tensorrt", raising=False)
    assert load_variant("trt-ts-fp16").unavailable() == reason


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (None, "torch2trt can't be imported: ModuleNotFoundError: No module named 'torch2trt'; "),
        ("raise OSError('no driver')", "torch2trt can't be imported: OSError: no driver; "),
        ("import warnings; warnings.warn('old')", None),
    ],
)
def test_torch2trt_is_used_where_it_imports(
    code: str | None, reason: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if code is not None:
        (tmp_path / "torch2trt.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torch2trt", raising=False)
    why = load_variant("torch2trt-fp16").unavailable()
    assert why == reason if reason is None else str(why).startswith(reason)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("no kernel"), "ValueError: no kernel"),
        (ValueError("\n\n  first \nsecond"), "ValueError: first"),
        (ValueError(""), "ValueError"),
        (ValueError(" \n "), "ValueError"),
        (KeyError("name"), "KeyError: 'name'"),
    ],
)
def test_a_reason_is_the_first_line_that_tells(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason


def test_a_long_reason_is_cut() -> None:
    reason = reason_of(RuntimeError("x" * 1000))
    assert len(reason) == 300
    assert reason.endswith("x...")
    assert len(reason_of(RuntimeError("x" * 286))) == 300
    assert not reason_of(RuntimeError("x" * 286)).endswith("...")


def test_a_variant_without_needs_is_available_everywhere() -> None:
    class Plain(Variant):
        name = "plain"
        cosine_bound = 0.5

        def build(self, request: object) -> object:  # type: ignore[override]
            raise AssertionError(request)

    assert why_unavailable(Plain(), Platform.CPU) is None
