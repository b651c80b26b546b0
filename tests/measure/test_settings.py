from __future__ import annotations

from typing import Any

import pytest
import torch

from perfkit.catalog.case import Platform
from perfkit.catalog.config import Settings
from perfkit.measure.settings import applied


def precisions() -> tuple[str, str, bool]:
    convolution: Any = torch.backends.cudnn.conv  # type: ignore[attr-defined] # made at run time
    return convolution.fp32_precision, torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.benchmark


@pytest.mark.parametrize("wanted", [True, False])
def test_cuda_settings_hold_for_the_run_alone(wanted: bool) -> None:
    before = precisions()
    settings = Settings(tf32_convolution=wanted, tf32_matmul=not wanted, cudnn_benchmark=wanted)
    with applied(settings, Platform.CUDA) as recorded:
        assert recorded == settings.model_dump()
        names = {True: "tf32", False: "ieee"}
        assert precisions() == (names[wanted], names[not wanted], wanted)
    assert precisions() == before


def test_settings_are_put_back_when_the_run_fails() -> None:
    before = precisions()
    settings = Settings(tf32_convolution=False, tf32_matmul=True, cudnn_benchmark=not before[2])
    with pytest.raises(ZeroDivisionError), applied(settings, Platform.CUDA):
        raise ZeroDivisionError
    assert precisions() == before


@pytest.mark.parametrize(("threads", "wanted"), [(64, 8), (3, 3)])
def test_on_cuda_few_threads_of_the_host_are_taken(threads: int, wanted: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        settings = Settings(tf32_convolution=True, tf32_matmul=True, cudnn_benchmark=True)
        with applied(settings, Platform.CUDA) as recorded:
            assert torch.get_num_threads() == wanted
            assert "threads" not in recorded
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_on_the_cpu_threads_are_recorded_and_nothing_is_changed() -> None:
    before = precisions()
    settings = Settings(tf32_convolution=True, tf32_matmul=True, cudnn_benchmark=True)
    with applied(settings, Platform.CPU) as recorded:
        assert recorded == {"threads": torch.get_num_threads()}
        assert precisions() == before
