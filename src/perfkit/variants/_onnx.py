"""Exporting a model to ONNX for a shape profile, and taking BatchNorm into its convolutions before that."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from perfkit.variants._export import DIMENSIONS, example_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perfkit.catalog.profile import ShapeProfile

INPUT = "images"
_OPSET = 17
"""The first with LayerNormalization; every TensorRT from 8.6 on parses it."""


def export_onnx(model: nn.Module, profile: ShapeProfile, example: Tensor) -> bytes:
    """The model, which is in eval mode, as ONNX with its dynamic dimensions named; at ``example``'s dtype and device.

    By PyTorch's TorchScript exporter: it folds BatchNorm into convolutions and leaves sizes open that torch.export
    refuses (multiples of a stride). Raises whatever the exporter raises.
    """
    example = example.new_empty(example_shape(profile)).normal_()
    dynamic = {i: DIMENSIONS[i] for i in profile.dynamic_dimensions}
    with tempfile.TemporaryDirectory() as folder, torch.no_grad(), plain_attention():
        file = Path(folder, "model.onnx")
        torch.onnx.export(
            # A module begins in training mode; the exporter would leave the model in it.
            _Plain(model).eval(),
            (example,),
            file,
            dynamo=False,
            opset_version=_OPSET,
            input_names=[INPUT],
            dynamic_axes={INPUT: dynamic} if dynamic else None,
        )
        return file.read_bytes()


def count_operators(model: bytes) -> int:
    """How many operators the ONNX graph has; a constant is none."""
    import onnx

    return sum(node.op_type != "Constant" for node in onnx.load_from_string(model).graph.node)


def fold_batch_norm(model: nn.Module) -> tuple[nn.Module, list[str]]:
    """A copy of the model whose BatchNorms are part of the convolutions before them, and notes about it.

    A quantizer between the two would otherwise keep the exporter from folding them. The model as it is, and noted,
    where torch.fx can't trace it.
    """
    from torch.fx.experimental.optimization import fuse

    try:
        folded: nn.Module = fuse(model)
    except Exception:  # control flow that depends on values: torch.fx raises anything
        return model, ["BatchNorm not folded: torch.fx can't trace the model"]
    return folded, []


class _Plain(nn.Module):
    """The exporter takes a traced module's ``graph`` for one of its own."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Any:
        return self.model(images)


@contextmanager
def plain_attention() -> Iterator[None]:
    """nn.MultiheadAttention's fused path has no ONNX operator, and TorchScript's converters don't know it either."""
    backend: Any = torch.backends.mha
    enabled = backend.get_fastpath_enabled()
    backend.set_fastpath_enabled(False)
    try:
        yield
    finally:
        backend.set_fastpath_enabled(enabled)
