"""Exporting a model for a shape profile: the graph that engines are built from, and its digest."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch
from torch.export import Dim, ExportedProgram
from torch.nn.attention import SDPBackend, sdpa_kernel

if TYPE_CHECKING:
    from torch import Tensor, nn

    from perfkit.catalog.profile import ShapeProfile

DIMENSIONS = ("batch", "channels", "height", "width")
_GRAPHS: WeakKeyDictionary[nn.Module, dict[ShapeProfile, str]] = WeakKeyDictionary()
"""Digests by model, so that a model's variants export it for that purpose once."""


def example_shape(profile: ShapeProfile) -> tuple[int, ...]:
    """The shape to trace at: the optimum, with a dynamic batch of at least 2.

    torch.export treats a size of 1 as a constant, so a dynamic batch traced at 1 fails; min 1 still serves batch 1.
    """
    batch = profile.opt[0]
    if 0 in profile.dynamic_dimensions:
        batch = min(max(batch, 2), profile.max[0])
    return (batch, *profile.opt[1:])


def export(model: nn.Module, profile: ShapeProfile, example: Tensor) -> tuple[ExportedProgram, list[str]]:
    """The model as an exported program whose dynamic dimensions are bounded by the profile, and notes about it.

    Some models (pooling behind a strided convolution) hold only for sizes that are multiples of a power of two.
    torch.export refuses a plain range for them; the profile's own step is then used, and noted.

    Attention is traced by its plain kernel. The strides that a fused one leaves make a copy behind it a no-op, which
    tracing drops; a builder that takes attention apart has other strides, and fails for want of that copy.
    """
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        return _export(model, profile, example)


def _export(model: nn.Module, profile: ShapeProfile, example: Tensor) -> tuple[ExportedProgram, list[str]]:
    dynamic = {i: Dim(DIMENSIONS[i], min=profile.min[i], max=profile.max[i]) for i in profile.dynamic_dimensions}
    if not dynamic:
        return torch.export.export(model, (example,)), []
    try:
        return torch.export.export(model, (example,), dynamic_shapes=(dynamic,)), []
    except Exception as error:  # torch's own UserError, whose class is private
        if "Constraints violated" not in str(error):
            raise
    stepped: dict[int, Any] = {}
    notes = []
    for i in profile.dynamic_dimensions:
        step = common_step(profile.min[i], profile.opt[i], profile.max[i])
        stepped[i] = step * Dim(DIMENSIONS[i], min=profile.min[i] // step, max=profile.max[i] // step)
        notes.append(f"{DIMENSIONS[i]} in steps of {step}: torch.export refused the plain range")
    return torch.export.export(model, (example,), dynamic_shapes=(stepped,)), notes


def common_step(*sizes: int) -> int:
    """The largest power of two, 32 at most, that divides every size."""
    step = math.gcd(*sizes)
    return min(step & -step, 32)


def graph_sha256(model: nn.Module, profile: ShapeProfile) -> str:
    """A digest of the float32 model's exported graph: its operators, their arguments and its constant tensors.

    Weights are not in it; they have a digest of their own. Raises what torch.export raises.
    """
    known = _GRAPHS.setdefault(model, {})
    if profile not in known:
        parameter = next(model.parameters(), None)
        device = torch.device("cpu") if parameter is None else parameter.device
        program, _ = export(model, profile, torch.zeros(example_shape(profile), device=device))
        digest = hashlib.sha256()
        for name, module in program.graph_module.named_modules():
            if isinstance(module, torch.fx.GraphModule):  # bodies of torch.autocast and torch.cond are graphs within
                digest.update(f"{name} {module.code}".encode())
        for spec in program.graph_signature.input_specs:
            digest.update(f"{spec.kind} {spec.target}".encode())
        for name, value in sorted(program.constants.items()):
            digest.update(name.encode())
            if isinstance(value, torch.Tensor):
                digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        known[profile] = digest.hexdigest()
    return known[profile]
