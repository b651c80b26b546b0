"""TensorRT's own INT8 calibration, which TensorRT 10 still has: the builder finds the ranges, the graph has no Q/DQ.

It calibrates at one shape, whatever the profile: that of the calibration pictures which have the optimum size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorrt as trt
import torch

from perfkit.variants._onnx import INPUT
from perfkit.variants._onnx_trt import has_weak_typing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from perfkit.variants.base import BuildRequest


def has_implicit_quantization() -> bool:
    """Whether the builder can calibrate by itself (up to TensorRT 10)."""
    return has_weak_typing() and hasattr(trt, "IInt8EntropyCalibrator2")


def calibrate_by_entropy(request: BuildRequest, builder: Any, config: Any) -> Any:
    """Sets the builder up to calibrate; what is returned must live until the engine is built."""
    batches = [batch.contiguous() for batch in request.calibration if tuple(batch.shape) == request.profile.opt]
    torch.cuda.synchronize()  # the builder reads them on a stream of its own
    profile = builder.create_optimization_profile()
    profile.set_shape(INPUT, request.profile.opt, request.profile.opt, request.profile.opt)
    config.set_calibration_profile(profile)
    calibrator = _calibrator(batches)
    config.int8_calibrator = calibrator
    return calibrator


def _calibrator(batches: Sequence[Tensor]) -> Any:
    class EntropyCalibrator(trt.IInt8EntropyCalibrator2):  # type: ignore[misc] # tensorrt ships no types
        def __init__(self) -> None:
            trt.IInt8EntropyCalibrator2.__init__(self)
            self._left = list(batches)

        def get_batch_size(self) -> int:
            return int(batches[0].shape[0])

        def get_batch(self, names: Sequence[str]) -> list[int] | None:
            if not self._left:
                return None
            # The tensors stay alive in `batches`.
            return [self._left.pop(0).data_ptr() for _ in names]

        def read_calibration_cache(self) -> None:
            """None: the ranges are the key's, not those of another network."""

        def write_calibration_cache(self, cache: Any) -> None:
            """They are in the engine."""

    return EntropyCalibrator()
