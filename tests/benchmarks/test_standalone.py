"""A variant outside of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from benchmarks.standalone import answers, standalone_request
from perfkit.catalog.config import load_config
from perfkit.catalog.images import calibration_images
from perfkit.catalog.models import load_model
from perfkit.variants.registry import load_variant
from tests.variants.requests import CPU, FIXED

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_built_of_it_answers_and_has_no_machine_of_a_run(tmp_path: Path) -> None:
    images = calibration_images()
    model = load_model("squeezenet1_1", images, FIXED.opt, CPU)
    request = standalone_request(model, "mine", FIXED, images, CPU, config=load_config(tmp_path), cache=tmp_path)
    assert (request.label, request.machine) == ("mine", {})
    assert request.calibration_sha256 == images.sha256
    built = load_variant("eager-fp32").build(request)
    with torch.inference_mode():
        (found,) = answers(built, request.example)
    assert tuple(found.shape) == (1, 1000)
