"""Metadata and pinned requirements."""

from __future__ import annotations

import configparser
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import perfkit

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PINNED = sorted(path for path in (ROOT / "requirements").glob("*.txt") if path.name != "constraints.txt")


def pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", path.read_text("utf-8"), flags=re.MULTILINE))


@pytest.mark.parametrize("path", PINNED, ids=lambda path: path.name)
def test_requirements_are_hashed_and_name_no_address(path: Path) -> None:
    text = path.read_text("utf-8")
    assert pins(path)
    assert text.count("--hash=sha256:") >= len(pins(path))
    assert "://" not in text
    assert "index-url" not in text


def test_the_locked_torch_lies_in_every_declared_range() -> None:
    """The trt extra can't be locked (its metapackages fetch from another index), so its ranges are checked."""
    torch = pins(ROOT / "requirements" / "cpu.txt")["torch"]
    declared = {r.name: r for r in map(Requirement, PROJECT["dependencies"])}
    assert torch in declared["torch"].specifier
    extra = {r.name: r for r in map(Requirement, PROJECT["optional-dependencies"]["trt"])}
    assert set(extra) >= {"torch-tensorrt", "tensorrt", "nvidia-modelopt", "nvidia-ml-py", "onnx"}
    # Torch-TensorRT follows torch's minor versions.
    assert torch in extra["torch-tensorrt"].specifier


def test_a_laptop_needs_no_cuda_package_of_ours_and_a_gpu_runner_no_openvino() -> None:
    extras = {name: " ".join(listed) for name, listed in PROJECT["optional-dependencies"].items()}
    assert "openvino" not in extras["trt"]
    assert not re.search("tensorrt|nvidia|onnx", extras["cpu"])
    assert not re.search("openvino|tensorrt|nvidia", " ".join(PROJECT["dependencies"]))


def test_the_version_has_one_place() -> None:
    assert PROJECT["dynamic"] == ["version"]
    assert version("perfkit") == perfkit.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", perfkit.__version__)
    assert "version" not in yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))


def test_the_citation_says_what_the_metadata_say() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    for key in ("license", "authors", "keywords"):
        assert citation[key] == PROJECT[key]
    assert citation["title"] == PROJECT["name"]


def test_setting_up_is_one_command_that_differs_from_the_tests_by_its_environment() -> None:
    (command,) = re.findall(r"^python3 -m venv .*$", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
    start, _, environment = command.rpartition(" -e ")
    assert f"{start} -e tests\n" in (ROOT / "README.md").read_text("utf-8")
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    assert f"testenv:{environment}" in tox
    assert f"source .tox/{environment}/bin/activate" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_every_registered_variant_is_the_one_of_its_name() -> None:
    from perfkit.variants.registry import load_variant, variant_names

    assert {name: load_variant(name).name for name in variant_names()} == {name: name for name in variant_names()}
    assert set(PROJECT["entry-points"]["perfkit.variants"]) <= set(variant_names())
