from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.catalog.case import Platform
from perfkit.catalog.config import load_config
from perfkit.errors import UserError
from perfkit.measure import affinity, gpu, machine
from perfkit.measure.affinity import format_cpus, parse_cpus, pinned
from tests.measure.test_gpu import FIRST, Given, Nvml

if TYPE_CHECKING:
    from collections.abc import Iterator

ALLOWED = sorted(os.sched_getaffinity(0))


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = os.sched_getaffinity(0)
    yield
    assert os.sched_getaffinity(0) == before


@given(st.sets(st.integers(0, 200), min_size=1))
def test_a_list_of_processors_reads_back(cpus: set[int]) -> None:
    assert parse_cpus(format_cpus(cpus)) == cpus


@pytest.mark.parametrize(("cpus", "text"), [({0, 1, 2, 8}, "0-2,8"), ({5}, "5"), ({0, 2, 4}, "0,2,4")])
def test_lists_are_written_as_linux_writes_them(cpus: set[int], text: str) -> None:
    assert format_cpus(cpus) == text


def test_a_run_is_kept_to_the_processors_and_its_children_as_well() -> None:
    with pinned(str(ALLOWED[-1]), Platform.CPU) as cpus:
        assert cpus == {ALLOWED[-1]} == os.sched_getaffinity(0)
        code = "import os; print(os.sched_getaffinity(0))"
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert told.stdout.strip() == str(cpus)


def test_without_a_wish_nothing_is_pinned() -> None:
    with pinned(None, Platform.CUDA) as cpus:
        assert cpus is None
    with pinned("gpu", Platform.CPU) as cpus:
        assert cpus is None


def test_processors_that_are_not_there_are_named() -> None:
    with pytest.raises(UserError, match=r"processor 9000 isn't there; allowed are"), pinned("9000", Platform.CPU):
        pass


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(affinity, "_NODES", tmp_path)
    for name, cpus in (("node0", f"{ALLOWED[0]},9000-9003\n"), ("node1", "9004-9007\n"), ("node2", "\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cpulist").write_text(cpus)
    return tmp_path


def test_a_numa_node_has_its_processors_as_far_as_they_are_allowed(nodes: Path) -> None:
    assert nodes.is_dir()
    with pinned("numa:0", Platform.CPU) as cpus:
        assert cpus == {ALLOWED[0]}
    for node in ("1", "2"):
        with pytest.raises(UserError, match=f"none of the processors of NUMA node {node}"):
            pinned(f"numa:{node}", Platform.CPU).__enter__()
    with pytest.raises(UserError, match="no such NUMA node; known: 0, 1, 2"):
        pinned("numa:7", Platform.CPU).__enter__()


class _Driver:
    def first_uuid(self) -> str:
        return FIRST


def test_near_the_gpu_is_what_nvml_says_of_the_visible_one(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = Nvml()
    monkeypatch.setattr(gpu, "cuda_driver", _Driver)
    monkeypatch.setattr(machine, "nvml", lambda: Given(nvml))
    bits = 1 << ALLOWED[0]
    monkeypatch.setattr(nvml, "nvmlDeviceGetCpuAffinity", lambda handle, words: [bits * (handle == "board 0")] * words)
    with pinned("gpu", Platform.CUDA) as cpus:
        assert cpus == {ALLOWED[0]}


@pytest.mark.parametrize("reader", [None, Nvml()])
def test_without_an_answer_from_nvml_it_says_what_to_do(reader: Nvml | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "cuda_driver", lambda: None if reader is None else _Driver())
    monkeypatch.setattr(machine, "nvml", lambda: Given(reader))
    monkeypatch.setattr(gpu, "near_cpus", lambda *_: None)
    with pytest.raises(UserError, match="name them instead"):
        pinned("gpu", Platform.CUDA).__enter__()


@pytest.mark.parametrize("text", ["gpu", "numa:0", "0", "0-3", "0-3,8,10-11"])
def test_the_configuration_takes_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "perfkit.toml").write_text(f'[measure]\ncpu_affinity = "{text}"\n')
    assert load_config(tmp_path).measure.cpu_affinity == text


@pytest.mark.parametrize("text", ["", "all", "0-", "numa:", "1,,2", "-1", "0-9999999", "numa:٣", "1," * 600 + "1"])
def test_anything_else_is_refused_by_its_key(text: str, tmp_path: Path) -> None:
    (tmp_path / "perfkit.toml").write_text(f'[measure]\ncpu_affinity = "{text}"\n')
    with pytest.raises(UserError, match=r"perfkit.toml: measure.cpu_affinity: "):
        load_config(tmp_path)


def test_a_range_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match='"5-3": names no processor'):
        pinned("5-3", Platform.CPU).__enter__()


def test_what_stays_free_stays_free() -> None:
    """No wish of the shipped configuration: nobody is pinned who didn't ask."""
    assert load_config(Path(__file__).parent).measure.cpu_affinity is None
