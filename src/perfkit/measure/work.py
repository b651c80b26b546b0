"""How much work a model is at a shape, by the reference's graph: what a roofline is drawn from.

Nothing is computed for it: the model runs on PyTorch's meta device, where tensors have shapes and no numbers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from perfkit.catalog.case import GRAPH_SUFFIX
from perfkit.record.facts import Work, WorkPrecision

if TYPE_CHECKING:
    from torch import Tensor, nn

    from perfkit.catalog.case import Shape

_BYTES = {
    WorkPrecision.FP32: 4,
    WorkPrecision.TF32: 4,
    WorkPrecision.FP16: 2,
    WorkPrecision.BF16: 2,
    WorkPrecision.INT8: 1,
    WorkPrecision.FP8: 1,
}


class CountedWork:
    """Of one model: the counts by shape, for all its variants."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._counts: dict[Shape, tuple[int, int] | None] = {}

    def at(self, shape: Shape, variant: str, *, tf32: bool) -> Work | None:
        """FLOPs, and bytes in the precision that the variant is named for.

        None for a variant that is named for no precision, and for a model that can't run without numbers.
        """
        precision = precision_of(variant, tf32=tf32)
        if precision is None:
            return None
        if shape not in self._counts:
            self._counts[shape] = _count(self._module, shape)
        counts = self._counts[shape]
        if counts is None:
            return None
        flops, numbers = counts
        return Work(precision=precision, flops=flops, min_bytes=numbers * _BYTES[precision])


def precision_of(variant: str, *, tf32: bool) -> WorkPrecision | None:
    """What the last part of a variant's name says; float32 is TF32 where that is allowed.

    >>> str(precision_of("onnx-trt-int8-graph", tf32=True)), precision_of("mine", tf32=True)
    ('int8', None)
    """
    name = variant.removesuffix(GRAPH_SUFFIX).rpartition("-")[2]
    if name not in list(WorkPrecision):
        return None
    precision = WorkPrecision(name)
    return WorkPrecision.TF32 if precision is WorkPrecision.FP32 and tf32 else precision


def _count(module: nn.Module, shape: Shape) -> tuple[int, int] | None:
    """FLOPs (two a multiplication and addition), and how many numbers are parameters in use, input or output."""
    state = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    shadows = {name: tensor.detach().to("meta") for name, tensor in state.items()}
    images = torch.empty(shape, device="meta")
    try:
        with (
            torch.no_grad(),
            _Used() as used,
            FlopCounterMode(display=False) as counter,
        ):
            outputs = functional_call(module, shadows, (images,))
    except Exception:  # a model that looks at its numbers, or keeps some where nobody finds them
        return None
    names = [name for name, _ in module.named_parameters()]
    tensors = [shadows[name] for name in names if id(shadows[name]) in used.tensors]
    tensors += [images, *_flat(outputs)]
    return counter.get_total_flops(), sum(math.prod(tensor.shape) for tensor in tensors)


class _Used(TorchDispatchMode):
    """Which tensors any operator takes: heads that only training has are parameters that no call reads."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tensors: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.tensors |= {id(tensor) for tensor in _flat((args, *(kwargs or {}).values()))}
        return func(*args, **(kwargs or {}))


def _flat(value: Any) -> list[Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [tensor for part in parts for tensor in _flat(part)]
