"""Models: any name that ``torchvision.models.get_model`` knows, ready to be measured.

Models of other packages are registered with torchvision first (``own_models.py``).

Pretrained weights when the hub's cache holds them or the network gives them; else seeded random weights whose
BatchNorm statistics are settled on the calibration images. A missing network is never an error.
"""

from __future__ import annotations

import hashlib
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints
from urllib.parse import urlparse

import torch
from torch import Tensor, nn
from torchvision.models import (
    WeightsEnum,
    get_model,
    get_model_builder,
    get_model_weights,
)
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.transforms.v2 import InterpolationMode

from perfkit.catalog.images import ImageSet, Preprocessing
from perfkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perfkit.catalog.case import Shape

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_NETWORK_TIMEOUT_S = 15.0
_SEED = 0
_RESIDUAL_GAIN = 0.1
_CLASSIFIER_DIMENSIONS = 2
"""Batch and classes."""


@dataclass(frozen=True)
class LoadedModel:
    """A model in eval mode, float32.

    ``module`` maps (batch, 3, height, width) to one tensor or to a tuple of tensors in a fixed order.
    """

    module: nn.Module
    weights: str
    weights_sha256: str
    """Of the state dict; for random weights, of what they follow from: seeded parameters, pictures and shape."""
    preprocessing: Preprocessing
    classifies: bool
    """Whether the output is (batch, classes), so that a best class means something."""


class MainOutput(nn.Module):
    """A segmentation model without its dictionary: the ``out`` tensor, auxiliary heads left aside."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.model(images)["out"]
        return output


class DenseHeads(nn.Module):
    """The part of a single-shot detector that has fixed-size outputs: backbone and heads.

    Resizing and box selection are left out: their output sizes depend on the picture, which no engine here serves.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.backbone: Any = model.backbone
        self.head: Any = model.head

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        outputs: dict[str, Tensor] = self.head(list(self.backbone(images).values()))
        return tuple(outputs[key] for key in sorted(outputs))


def load_model(name: str, calibration: ImageSet, shape: Shape, device: torch.device) -> LoadedModel:
    """Builds the model on ``device``.

    ``shape`` is what the BatchNorm statistics of random weights are settled at.
    """
    default = _default_weights(name)
    preprocessing = _preprocessing(default)
    pretrained = _pretrained(name, default)
    if pretrained is not None:
        module, weights = _single_signature(pretrained.eval()), f"pretrained {default}"
        identity = _sha256(module)
    else:
        module = _single_signature(_seeded(name).eval())
        weights = f"random, seed {_SEED}, BatchNorm settled on the calibration images"
        # Before settling: statistics taken from pictures differ in their last bits from one machine to another, and
        # two runs with the same seed and pictures must stay comparable.
        identity = hashlib.sha256(f"{_sha256(module)} {calibration.sha256} {shape}".encode()).hexdigest()
        _settle_batch_norm(module, calibration, shape, preprocessing)
    module = module.to(device)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    with torch.inference_mode():
        probe = next(calibration.batches(shape, preprocessing, 1, device))
        output = module(probe)
    classifies = isinstance(output, Tensor) and output.ndim == _CLASSIFIER_DIMENSIONS
    return LoadedModel(module, weights, identity, preprocessing, classifies)


def _default_weights(name: str) -> WeightsEnum | None:
    """Of the weights that its builder is annotated with; None for a builder of a user's own that has none."""
    published = _published_weights(name)
    if published is None:
        return None
    # DEFAULT is an alias that an enumeration of weights may lack, or have as its only name.
    members: dict[str, WeightsEnum] = dict(published.__members__)
    return members.get("DEFAULT", next(iter(members.values()), None))


def _published_weights(name: str) -> type[WeightsEnum] | None:
    try:
        published: type[WeightsEnum] = get_model_weights(name)
    except ValueError:  # no weights, or annotations that are postponed, which torchvision doesn't read
        return _annotated_weights(name)
    return published


def _annotated_weights(name: str) -> type[WeightsEnum] | None:
    try:
        hint = get_type_hints(get_model_builder(name)).get("weights")
    except NameError:
        return None
    found = [kind for kind in (hint, *get_args(hint)) if isinstance(kind, type) and issubclass(kind, WeightsEnum)]
    return found[0] if found else None


def _single_signature(model: nn.Module) -> nn.Module:
    """Tensors in, tensors out: wraps the models whose outputs are dictionaries or lists."""
    module = type(model).__module__
    if not module.startswith("torchvision."):
        return model  # a user's own: tensors in, tensors out
    if "segmentation" in module:
        return MainOutput(model).eval()
    if "detection" in module:
        if not (hasattr(model, "backbone") and hasattr(model, "head")):
            raise UserError(
                f"detection model {type(model).__name__} has no single-shot heads; perfkit measures backbone and "
                "heads of ssd*, retinanet* and fcos* models"
            )
        return DenseHeads(model).eval()
    return model


def _preprocessing(weights: WeightsEnum | None) -> Preprocessing:
    preset = weights.transforms() if weights is not None else None
    return Preprocessing(
        mean=tuple(getattr(preset, "mean", _IMAGENET_MEAN)),
        std=tuple(getattr(preset, "std", _IMAGENET_STD)),
        interpolation=getattr(preset, "interpolation", InterpolationMode.BILINEAR),
    )


def _pretrained(name: str, weights: WeightsEnum | None) -> nn.Module | None:
    """The model with its published weights, or None where neither the cache nor the network has them."""
    if weights is None:
        return None
    address = urlparse(weights.url)
    cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(address.path).name
    is_here = cached.is_file() or address.scheme == "file"
    if not is_here and not _network_answers(address.netloc):
        return None
    try:
        with _socket_timeout():
            # torchvision unpickles what the cache holds, whoever put it there: what is more than weights fails here.
            weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
            model: nn.Module = get_model(name, weights=weights, progress=False)
    except Exception:  # refused or cut off; and a damaged file may raise anything when it is read
        return None
    return model


def _seeded(name: str) -> nn.Module:
    module = get_model_builder(name).__module__
    options: dict[str, object] = {}
    if module.startswith("torchvision.") and ("detection" in module or "segmentation" in module):
        options["weights_backbone"] = None  # these fetch a backbone of their own unless told not to
    if name.lower() in ("inception_v3", "googlenet"):
        options["init_weights"] = True  # their default is about to change and warns
    with torch.random.fork_rng():
        torch.manual_seed(_SEED)
        model: nn.Module = get_model(name, weights=None, **options)
        for layer in model.modules():
            # Vision transformers start with an all-zero head, whose answers could not be compared.
            if isinstance(layer, nn.Linear) and not layer.weight.any():
                nn.init.trunc_normal_(layer.weight, std=0.02)
    _damp_residual_branches(model)
    return model


def _damp_residual_branches(model: nn.Module) -> None:
    """Scales what each residual block adds, as training does.

    With branches as strong as the trunk, a deep random network amplifies any rounding from block to block: INT8
    answers of ResNet-50 came out less like its own FP32 answers than those of another picture, which no trained
    model does. With 0.1 they agree to a cosine of 0.97 and more, and are told from another picture's.
    """
    for block in model.modules():
        if isinstance(block, BasicBlock | Bottleneck) or getattr(block, "use_res_connect", False):
            norms = [
                layer
                for name, layer in block.named_modules()
                if isinstance(layer, nn.BatchNorm2d) and not name.startswith("downsample")
            ]
            if norms:
                nn.init.constant_(norms[-1].weight, _RESIDUAL_GAIN)


@cache
def _network_answers(host: str) -> bool:
    """Asked once a process: a machine without a network shouldn't wait for every model."""
    try:
        with _socket_timeout(), socket.create_connection((host, 443), timeout=_NETWORK_TIMEOUT_S):
            return True
    except OSError:
        return False


@contextmanager
def _socket_timeout() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_NETWORK_TIMEOUT_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _settle_batch_norm(module: nn.Module, images: ImageSet, shape: Shape, preprocessing: Preprocessing) -> None:
    """Replaces the initial running statistics (mean 0, variance 1) by those of real images.

    Without this the activations of random weights shrink or grow layer by layer, and half precision would be
    judged on numbers that no trained model has. The momentum None makes the running statistics a plain average.
    """
    layers = [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
        layer.train()
    batch = (max(shape[0], 8), *shape[1:])
    with torch.no_grad():
        for inputs in images.batches(batch, preprocessing, 2, torch.device("cpu")):
            module(inputs)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()


def _sha256(module: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
