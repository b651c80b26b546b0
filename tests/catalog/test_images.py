from __future__ import annotations

import contextlib
import io
import os
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data
from torchvision.transforms.v2 import InterpolationMode

from perfkit.catalog import images
from perfkit.catalog.images import ImageSet, Preprocessing, calibration_images, evaluation_images
from perfkit.errors import UserError
from tests.fuzz.mutate import mutated
from tests.variants.requests import PLAIN

if TYPE_CHECKING:
    from pathlib import Path

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def calibration() -> ImageSet:
    return calibration_images()


@pytest.fixture(scope="module")
def evaluation() -> ImageSet:
    return evaluation_images()


def pictures(folder: Path, count: int) -> Path:
    folder.mkdir(exist_ok=True)
    for index in range(count):
        pixels = np.random.default_rng(index).integers(0, 255, (40, 60 + index, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


def test_calibration_and_evaluation_share_no_photograph() -> None:
    """cat_eye is a part of a calibration photograph, and stays on that side."""
    assert not set(images.CALIBRATION_PHOTOGRAPHS) & set(images.EVALUATION_PHOTOGRAPHS)
    assert "cat_eye" not in images.EVALUATION_PHOTOGRAPHS
    assert "chelsea" not in images.EVALUATION_PHOTOGRAPHS


def test_no_crop_of_one_set_is_in_the_other(calibration: ImageSet, evaluation: ImageSet) -> None:
    assert len(calibration.crops) == images.CALIBRATION_IMAGES
    assert len(evaluation.crops) == images.EVALUATION_IMAGES
    contents = [{crop.tobytes() for crop in kind.crops} for kind in (calibration, evaluation)]
    assert len(contents[0]) > 0.9 * images.CALIBRATION_IMAGES  # a crop at random may be the whole picture again
    assert len(contents[1]) == images.EVALUATION_IMAGES
    assert not contents[0] & contents[1]


def test_the_same_pictures_every_time(calibration: ImageSet, evaluation: ImageSet) -> None:
    assert calibration_images().sha256 == calibration.sha256
    assert evaluation_images().sha256 == evaluation.sha256 != calibration.sha256


def test_a_batch_has_its_shape_and_is_a_photograph(evaluation: ImageSet) -> None:
    (batch,) = evaluation.batches((3, 3, 40, 64), PLAIN, 1, CPU)
    assert batch.shape == (3, 3, 40, 64)
    assert batch.dtype == torch.float32
    assert 0 <= float(batch.min()) < float(batch.max()) <= 1
    assert all(float(image.std()) > 0.05 for image in batch)
    assert not torch.equal(batch[0], batch[1])


def test_batches_take_other_crops_until_they_are_used_up(evaluation: ImageSet) -> None:
    batches = list(evaluation.batches((3, 3, 16, 16), PLAIN, 4, CPU))
    flat = torch.cat(batches)
    count = images.EVALUATION_IMAGES
    assert len(torch.unique(flat[:count].reshape(count, -1), dim=0)) == count
    assert torch.equal(flat[count], flat[0])


def test_a_models_own_mean_and_deviation_are_applied(evaluation: ImageSet) -> None:
    own = Preprocessing(mean=(0.5, 0.4, 0.3), std=(0.25, 0.5, 2.0), interpolation=InterpolationMode.BILINEAR)
    (plain,), (normalized,) = (evaluation.batches((1, 3, 16, 16), kind, 1, CPU) for kind in (PLAIN, own))
    mean, deviation = (torch.tensor(numbers).reshape(1, 3, 1, 1) for numbers in (own.mean, own.std))
    torch.testing.assert_close(normalized, (plain - mean) / deviation)


def test_a_whole_photograph_is_kept_in_proportion(evaluation: ImageSet) -> None:
    """The first crop of a picture is its largest square; here the picture is square itself."""
    (batch,) = evaluation.batches((1, 3, 512, 512), PLAIN, 1, CPU)
    whole = torch.from_numpy(data.astronaut()).permute(2, 0, 1) / 255
    assert float((batch[0] - whole).abs().max()) < 0.01


def test_a_users_folder(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "few", 3)
    (folder / "notes.txt").write_text("not a picture, and no fault")
    own = calibration_images(folder)
    assert len(own.crops) == images.CALIBRATION_IMAGES
    assert all(crop.width == crop.height <= 40 for crop in own.crops)
    assert own.sha256 != calibration_images().sha256
    assert calibration_images(folder).sha256 == own.sha256


def test_every_picture_of_a_large_folder_is_used(tmp_path: Path) -> None:
    assert len(calibration_images(pictures(tmp_path / "many", 40)).crops) == 40


def test_a_gray_picture_becomes_three_channels(tmp_path: Path) -> None:
    Image.fromarray(np.full((20, 30), 128, dtype=np.uint8)).save(tmp_path / "gray.png")
    (batch,) = calibration_images(tmp_path).batches((1, 3, 16, 16), PLAIN, 1, CPU)
    assert batch.shape == (1, 3, 16, 16)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        (None, b"", "is not a folder"),
        ("notes.txt", b"text", "holds no picture"),
        ("cat.jpg", b"\xff\xd8 not really", "cat.jpg: can't be read as a picture"),
        ("cat.png", b"", "cat.png: can't be read as a picture"),
    ],
)
def test_a_folder_without_pictures(tmp_path: Path, name: str | None, content: bytes, line: str) -> None:
    folder = tmp_path / "pictures"
    if name is not None:
        folder.mkdir()
        (folder / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        calibration_images(folder)
    assert str(caught.value).startswith("--calibration-data: ")
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_program_that_is_called_a_picture_is_not_run(tmp_path: Path) -> None:
    """Pillow looks at a file's content and hands PostScript to Ghostscript, whatever the name says."""
    Image.fromarray(np.full((20, 30, 3), 128, dtype=np.uint8)).save(tmp_path / "program.eps")
    (tmp_path / "program.eps").rename(tmp_path / "cat.png")
    with pytest.raises(UserError, match=r"cat\.png: can't be read as a picture: cannot identify"):
        calibration_images(tmp_path)


def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    """A few kilobytes that say they are a hundred million pixels."""
    Image.new("1", (10_000, 10_000)).save(tmp_path / "bomb.png")
    assert (tmp_path / "bomb.png").stat().st_size < 100_000
    with pytest.raises(UserError, match=r"bomb\.png: can't be read as a picture: Image size \(100000000 pixels\)"):
        calibration_images(tmp_path)


def test_a_picture_of_one_pixel_is_one(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    assert {crop.size for crop in calibration_images(tmp_path).crops} == {(1, 1)}


def test_a_pipe_and_a_folder_are_no_pictures(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UserError, match="holds no picture"):
        calibration_images(tmp_path)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(form=st.sampled_from(["PNG", "JPEG", "BMP", "WEBP", "TIFF"]), seed=st.integers(0, 2**32))
def test_nearly_a_picture_is_taken_or_refused_in_a_line(tmp_path: Path, form: str, seed: int) -> None:
    file, rng = io.BytesIO(), random.Random(seed)  # noqa: S311
    Image.linear_gradient("L").resize((40, 30)).save(file, form)
    (tmp_path / "cat.png").write_bytes(mutated(file.getvalue(), [file.getvalue()], rng))
    with contextlib.suppress(UserError):
        calibration_images(tmp_path)


def test_a_picture_that_is_cut_off(tmp_path: Path) -> None:
    pictures(tmp_path, 1)
    whole = (tmp_path / "0.png").read_bytes()
    (tmp_path / "0.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"0\.png: can't be read as a picture"):
        calibration_images(tmp_path)
