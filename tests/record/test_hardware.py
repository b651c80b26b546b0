from __future__ import annotations

import pytest

from perfkit.catalog.case import Platform
from perfkit.record.hardware import (
    describe_hardware,
    file_key,
    hardware_from_machine_info,
    mig_name,
    same_hardware,
)
from perfkit.record.schema import Hardware
from tests.support import CPU, GPU


def named(name: str, memory_gib: int | None = 24) -> Hardware:
    return Hardware(platform=Platform.CPU, name=name, count=2, memory_gib=memory_gib)


def test_a_gpu_is_read_before_the_cpu() -> None:
    gpu = {"name": "NVIDIA H100 80GB HBM3", "count": 2, "memory_mib": 81559}
    found = hardware_from_machine_info({"gpu": gpu | {"compute_capability": "9.0"}, "cpu": {"brand_raw": "a CPU"}})
    assert found == Hardware(
        platform=Platform.CUDA,
        name="NVIDIA H100 80GB HBM3",
        count=2,
        memory_gib=80,
        compute_capability="9.0",
    )


@pytest.mark.parametrize("gpu", [None, {}, {"name": 3}, "H100"])
def test_without_a_gpu_it_is_the_cpu(gpu: object) -> None:
    found = hardware_from_machine_info({"gpu": gpu, "cpu": {"brand_raw": "a CPU", "count": 8}})
    assert found == Hardware(platform=Platform.CPU, name="a CPU", count=8)


def test_an_unknown_machine_is_still_a_machine() -> None:
    assert hardware_from_machine_info({"cpu": None}).name == "unknown CPU"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Intel(R) Xeon(R) Platinum 8480C", "intel-xeon-platinum-8480c-x2-24gib"),
        ("AMD EPYC 7B13 @ 2.45GHz", "amd-epyc-7b13-2-45ghz-x2-24gib"),
    ],
)
def test_the_file_key_is_readable(name: str, key: str) -> None:
    assert file_key(named(name)) == key


@pytest.mark.parametrize("name", ["模型", "../../etc/passwd\0", "x" * 400, "", "GPU|<b>"])
def test_the_file_key_fits_a_file_name(name: str) -> None:
    key = file_key(named(name))
    assert len(f"{key}.json".encode()) < 255
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not key.startswith("-")


def test_names_that_lose_characters_keep_apart() -> None:
    keys = {file_key(named(name)) for name in ("模型", "模形", "x" * 400, "x" * 401)}
    assert len(keys) == 4


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"memory_gib": None}, True),
        ({"compute_capability": None}, True),
        ({"memory_gib": 40}, False),
        ({"compute_capability": "8.0"}, False),
        ({"count": 2}, False),
        ({"name": "Other GPU"}, False),
        ({"platform": Platform.CPU}, False),
    ],
)
def test_what_is_the_same_hardware(change: dict[str, object], same: bool) -> None:
    other = GPU.model_copy(update=change)
    assert same_hardware(GPU, other) is same
    assert same_hardware(other, GPU) is same


def test_it_is_described_in_one_phrase() -> None:
    assert describe_hardware(GPU) == "Made Up GPU x1, 80 GiB, compute capability 9.0"
    assert describe_hardware(CPU.model_copy(update={"memory_gib": None})) == "Made Up CPU x2"


@pytest.mark.parametrize(
    ("slices", "profile"),
    [
        ((1, 1, 9_728), "1g.10gb"),
        ((2, 2, 19_968), "2g.20gb"),
        ((3, 3, 40_192), "3g.40gb"),
        ((1, 3, 40_192), "1c.3g.40gb"),
    ],
)
def test_a_mig_instance_is_named_by_its_slices_and_memory(slices: tuple[int, int, int], profile: str) -> None:
    assert mig_name("NVIDIA H100 80GB HBM3", *slices) == f"NVIDIA H100 80GB HBM3 MIG {profile}"


def test_a_profile_that_cuda_tells_stays() -> None:
    assert mig_name("NVIDIA H100 80GB HBM3 MIG 1g.10gb+me", 1, 1, 9_728).endswith(" MIG 1g.10gb+me")


def test_instances_of_one_gpu_have_files_of_their_own() -> None:
    names = ["A", "A MIG 1g.10gb", "A MIG 1g.10gb+me", "A MIG 1g.20gb", "A MIG 1c.2g.20gb", "A MIG 2g.20gb"]
    assert len({file_key(named(name)) for name in names}) == len(names)
