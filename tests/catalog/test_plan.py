from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from perfkit.catalog.case import CaseId, Platform
from perfkit.catalog.config import load_config
from perfkit.catalog.plan import Plan, make_plan
from perfkit.errors import UserError
from tests.support import program_environment

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """
[profiles.p]
min = [1, 3, 32, 32]
opt = [1, 3, 64, 64]
max = [1, 3, 64, 64]
[suites.s]
models = ["resnet50@p", "alexnet@p"]
[suites.s.variants]
cpu = ["sound", "eager-fp32"]
"""
KNOWN = ["eager-fp32", "sound"]


def planned(folder: Path, text: str = TEXT, platform: Platform = Platform.CPU) -> Plan:
    (folder / "perfkit.toml").write_text(text)
    return make_plan(load_config(folder), "s", platform, KNOWN)


def test_cases_come_model_by_model_variant_by_variant_shape_by_shape(tmp_path: Path) -> None:
    """In the order of the configuration, not of the alphabet; opt equals max and is there once."""
    assert planned(tmp_path).cases() == tuple(
        CaseId(model, variant, shape)
        for model in ("resnet50@p", "alexnet@p")
        for variant in ("sound", "eager-fp32")
        for shape in ("1x3x32x32", "1x3x64x64")
    )


def test_a_model_is_known_by_its_label(tmp_path: Path) -> None:
    model = planned(tmp_path).model("resnet50@p")
    assert (model.name, model.profile.max) == ("resnet50", (1, 3, 64, 64))


@pytest.mark.parametrize(
    ("text", "platform", "line"),
    [
        (TEXT, Platform.CUDA, "suite 's' is empty on platform cuda: it names no variants for it"),
        (TEXT.replace("sound", "suond"), Platform.CPU, "suite 's': unknown variant 'suond'; did you mean sound?"),
        (
            TEXT.replace("net50@p", "net50@q"),
            Platform.CPU,
            "unknown profile 'q'; known: batch, detection, fixed-112, fixed-224, fixed-448, p, size",
        ),
        (
            '[models."*"]\nprofile = "p"\nfixed_image_size = 31\n' + TEXT,
            Platform.CPU,
            "suite 's': resnet50@p can run none",
        ),
    ],
)
def test_a_suite_that_cannot_run(tmp_path: Path, text: str, platform: Platform, line: str) -> None:
    with pytest.raises(UserError) as caught:
        planned(tmp_path, text, platform)
    assert str(caught.value).startswith(line)


def test_planning_imports_nothing_heavy(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from perfkit.catalog.case import Platform
from perfkit.catalog.config import load_config
from perfkit.catalog.plan import make_plan
from perfkit.variants.registry import variant_names
assert make_plan(load_config(Path(sys.argv[1])), "full", Platform.CPU, variant_names()).cases()
print(*sorted(set(sys.modules) & {"torch", "torchvision", "numpy", "openvino", "skimage", "PIL"}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=program_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == ""
