"""Real photographs for calibration, for checking answers and as benchmark inputs.

The pictures ship with scikit-image, so that a run needs no network. Calibration and evaluation use different
photographs, not just different crops: an answer check on the calibration pictures would flatter INT8.
"""

from __future__ import annotations

import hashlib
import random
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as transforms

from perfkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from perfkit.catalog.case import Shape

CALIBRATION_PHOTOGRAPHS = (
    "chelsea",
    "rocket",
    "retina",
    "immunohistochemistry",
    "hubble_deep_field",
    "cat_eye",
)
EVALUATION_PHOTOGRAPHS = ("astronaut", "coffee", "motorcycle")
CALIBRATION_IMAGES = 32
EVALUATION_IMAGES = 8
_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF")
_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}


@dataclass(frozen=True)
class Preprocessing:
    """A model's own input transform, as torchvision's weights publish it.

    ``mean`` and ``std`` are per RGB channel, for values in 0 to 1.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: InterpolationMode


@dataclass(frozen=True)
class ImageSet:
    """Crops of photographs, resized only when a shape is asked for."""

    crops: tuple[Image.Image, ...]
    sha256: str

    def batches(
        self, shape: Shape, preprocessing: Preprocessing, count: int, device: torch.device, *, first: int = 0
    ) -> Iterator[Tensor]:
        """``count`` float32 batches of ``shape`` on ``device``, each with other crops until they are used up.

        They begin with the crop number ``first``.
        """
        for start in range(first, first + count * shape[0], shape[0]):
            chosen = [self.crops[(start + i) % len(self.crops)] for i in range(shape[0])]
            yield torch.stack([_to_tensor(crop, shape, preprocessing) for crop in chosen]).to(device)


def evaluation_images() -> ImageSet:
    """The photographs on which answers are checked and times are taken."""
    return _image_set([_photograph(name) for name in EVALUATION_PHOTOGRAPHS], EVALUATION_IMAGES)


def calibration_images(folder: Path | None = None) -> ImageSet:
    """The photographs that INT8 calibrates on: the packaged ones, or those of the user's folder.

    Raises UserError when the folder holds no readable picture.
    """
    if folder is None:
        return _image_set([_photograph(name) for name in CALIBRATION_PHOTOGRAPHS], CALIBRATION_IMAGES)
    if not folder.is_dir():
        raise UserError(f"--calibration-data: {folder} is not a folder")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file())
    if not paths:
        raise UserError(f"--calibration-data: {folder} holds no picture ({', '.join(sorted(_SUFFIXES))})")
    pictures = [_picture(path) for path in paths]
    return _image_set(pictures, max(CALIBRATION_IMAGES, len(pictures)))


def _picture(path: Path) -> Image.Image:
    """Raises UserError for what is none, or one of more pixels than Pillow takes without a warning."""
    try:
        # By its content a file may be anything that Pillow reads, PostScript for instance, which is a program.
        with (
            warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning),
            Image.open(path, formats=_FORMATS) as picture,
        ):
            return picture.convert("RGB")
    except Exception as error:  # of a damaged file Pillow's decoders raise anything
        raise UserError(f"--calibration-data: {path}: can't be read as a picture: {error}") from None


def _photograph(name: str) -> Image.Image:
    from skimage import data

    if name == "motorcycle":
        return Image.fromarray(data.stereo_motorcycle()[0])
    if name == "cat_eye":  # a second view of one calibration photograph, mirrored: texture at another scale
        picture = Image.fromarray(data.chelsea())
        return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).crop((100, 0, 400, 300))
    return Image.fromarray(getattr(data, name)())


def _image_set(pictures: list[Image.Image], count: int) -> ImageSet:
    """``count`` square crops, round robin over the pictures; the same ones every time."""
    generator = random.Random(0)  # noqa: S311 - reproducible crops, not secrets
    crops = []
    for index in range(count):
        picture = pictures[index % len(pictures)]
        short = min(picture.size)
        side = short if index < len(pictures) else generator.randint(max(1, int(short * 0.6)), short)
        left = generator.randint(0, picture.width - side)
        top = generator.randint(0, picture.height - side)
        crops.append(picture.crop((left, top, left + side, top + side)))
    digest = hashlib.sha256()
    for crop in crops:
        digest.update(repr(crop.size).encode())
        digest.update(crop.tobytes())
    return ImageSet(tuple(crops), digest.hexdigest())


def _to_tensor(crop: Image.Image, shape: Shape, preprocessing: Preprocessing) -> Tensor:
    pixels = torch.from_numpy(np.array(crop)).permute(2, 0, 1)
    resized = transforms.resize(pixels, [shape[2], shape[3]], interpolation=preprocessing.interpolation, antialias=True)
    scaled = transforms.to_dtype(resized, torch.float32, scale=True)
    normalized: Tensor = transforms.normalize(scaled, list(preprocessing.mean), list(preprocessing.std))
    return normalized
