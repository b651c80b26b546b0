from __future__ import annotations

from importlib.metadata import version

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from perfkit.catalog.case import Platform
from perfkit.measure import machine

GIB = 1024**3
without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="says what is read without a GPU")


def test_what_identifies_hardware_does_not_move() -> None:
    def read() -> tuple[object, ...]:
        return machine.cpu_name(), machine.cpu_count(), machine.host_memory_gib(), machine.gpu_info()

    name, count, memory, _ = first = read()
    assert first == read()
    assert name
    assert int(str(count)) >= 1
    assert int(str(memory)) >= 1


@given(st.integers(1, 4096 * GIB))
def test_memory_is_rounded_to_what_was_built_in(total: int) -> None:
    """Within 2 GiB of the truth, in steps of 4; a small machine has 1."""
    found = machine.memory_gib(total)
    assert found == 1 or found % 4 == 0
    assert abs(found - total / GIB) <= 2
    assert found >= 1


@given(st.integers(1, 1024 * GIB), st.integers(1, 64 * GIB))
def test_more_memory_is_never_less(total: int, more: int) -> None:
    assert machine.memory_gib(total) <= machine.memory_gib(total + more)


@pytest.mark.parametrize(("installed", "kept"), [(16, 0.4), (32, 0.7), (64, 1.1), (80, 0.9), (512, 1.9)])
def test_what_the_system_keeps_for_itself_changes_nothing(installed: int, kept: float) -> None:
    assert machine.memory_gib(int((installed - kept) * GIB)) == installed == machine.memory_gib(installed * GIB)


@without_gpu
def test_no_driver_is_no_device() -> None:
    assert machine.cuda_device_count() == 0
    assert machine.gpu_info() is None
    with machine.nvml() as reader:
        assert reader is None


def test_versions_of_what_shapes_the_numbers() -> None:
    found = machine.software_versions()
    assert found["pytest-benchmark"] == version("pytest-benchmark")
    assert found["torch"] == torch.__version__
    assert {"python", "kernel", "torchvision", "perfkit"} <= set(found)
    assert list(found) == sorted(found)


def test_the_moments_readings_are_numbers() -> None:
    state = machine.momentary_state(Platform.CPU)
    assert "load_average_1min" in state
    assert all(value is None or isinstance(value, int | float) for value in state.values())
