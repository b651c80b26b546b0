from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from perfkit.catalog.case import Platform
from perfkit.catalog.config import Config, load_config
from perfkit.catalog.plan import make_plan
from perfkit.errors import UserError
from perfkit.variants.registry import known_names

if TYPE_CHECKING:
    from pathlib import Path

SUITE = """
[suites.mine]
models = ["resnet18"]
[suites.mine.variants]
cpu = ["eager-fp32"]
"""


def configured(folder: Path, text: str) -> Config:
    (folder / "perfkit.toml").write_text(text)
    return load_config(folder)


def fault(folder: Path, text: str) -> str:
    with pytest.raises(UserError) as caught:
        configured(folder, text)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_the_shipped_suites_name_what_the_suite_is_for(tmp_path: Path) -> None:
    shipped = load_config(tmp_path)
    assert set(shipped.suites) == {"quick", "nightly", "full", "tensorrt", "dynamism"}
    named = {label.partition("@")[0] for suite in shipped.suites.values() for label in suite.models}
    assert named >= {
        "mobilenet_v2", "resnet18", "resnet50", "efficientnet_b0", "convnext_tiny", "vit_b_16",
        "shufflenet_v2_x1_0", "lraspp_mobilenet_v3_large", "ssdlite320_mobilenet_v3_large",
    }  # fmt: skip
    full = shipped.suite("full").variants
    assert full.cpu == ["eager-fp32", "eager-bf16", "inductor-fp32", "openvino-fp32", "openvino-int8"]
    assert full.cuda == [
        "eager-fp32", "eager-fp16", "channels-last-fp16", "inductor-fp16", "trt-fp16", "trt-int8", "trt-fp8",
        "trt-ts-fp16", "onnx-trt-fp16", "onnx-trt-int8", "onnx-trt-fp8",
    ]  # fmt: skip


def test_quick_is_large_enough_to_be_worth_running(tmp_path: Path) -> None:
    plan = make_plan(load_config(tmp_path), "quick", Platform.CPU, known_names())
    assert len(plan.models) >= 3
    assert all(len(model.variants) >= 3 and len(model.shapes) >= 2 for model in plan.models)


@pytest.mark.parametrize(
    ("suite", "platform"),
    [
        *((suite, platform) for suite in ("quick", "nightly", "full", "dynamism") for platform in Platform),
        ("tensorrt", Platform.CUDA),
    ],
)
def test_every_shipped_suite_can_be_planned(tmp_path: Path, suite: str, platform: Platform) -> None:
    assert make_plan(load_config(tmp_path), suite, platform, known_names()).cases()


def test_a_dynamic_engine_meets_a_fixed_one_at_each_of_its_shapes(tmp_path: Path) -> None:
    dynamic, *fixed = make_plan(load_config(tmp_path), "dynamism", Platform.CUDA, known_names()).models
    assert dynamic.shapes == tuple(shape for model in fixed for shape in model.shapes)
    assert not any(model.profile.dynamic_dimensions for model in fixed)


def test_the_default_profiles(tmp_path: Path) -> None:
    shipped = load_config(tmp_path)
    size, batch = (shipped.profile(name) for name in (shipped.model_entry("mobilenet_v2").profile, "batch"))
    assert [shape[2] for shape in size.shapes()] == [112, 224, 448]
    assert [shape[0] for shape in batch.shapes()] == [1, 8, 32]


def test_a_fixed_image_size_leaves_the_shapes_that_fit(tmp_path: Path) -> None:
    config = configured(tmp_path, '[models.vit_b_16]\nprofile = "size"\nfixed_image_size = 224\n' + SUITE)
    suite = config.suite("mine")
    assert config.shapes(suite, "vit_b_16", config.profile("size")) == ((1, 3, 224, 224),)
    assert len(config.shapes(suite, "resnet18", config.profile("size"))) == 3


def test_a_projects_file_is_laid_over_the_shipped_one(tmp_path: Path) -> None:
    own = configured(
        tmp_path,
        SUITE + "[suites.quick]\nmodels = ['alexnet']\nvariants.cpu = ['eager-fp32']\n[measure]\nmin_rounds = 7\n",
    )
    assert own.suite("mine").models == ["resnet18"]
    assert own.suite("quick").models == ["alexnet"]
    assert own.suite("nightly").models == load_config(tmp_path / "elsewhere").suite("nightly").models
    assert own.measure.min_rounds == 7
    assert own.measure.max_rounds == load_config(tmp_path / "elsewhere").measure.max_rounds


def test_a_projects_own_globs_come_first(tmp_path: Path) -> None:
    own = configured(tmp_path, '[models."resnet*"]\nprofile = "batch"\n')
    assert own.model_entry("resnet50").profile == "batch"
    assert own.model_entry("mobilenet_v2").profile == "size"


def test_perfkit_toml_counts_before_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.perfkit.measure]\nmin_rounds = 9\n")
    assert load_config(tmp_path).measure.min_rounds == 9
    assert configured(tmp_path, "[measure]\nmin_rounds = 8\n").measure.min_rounds == 8


def test_a_pyproject_without_a_table_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nkey = 1\n")
    assert load_config(tmp_path) == load_config(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[measur]\n", "perfkit.toml: measur: "),
        ("[measure]\nmin_rounds = 'many'", "perfkit.toml: measure.min_rounds: "),
        ("[measure]\nmin_rounds = 4", "perfkit.toml: measure.min_rounds: "),
        ("[measure]\nmin_rounds = 101", "perfkit.toml: measure: min_rounds is larger than max_rounds"),
        ("[measure]\nrounds = 20", "perfkit.toml: measure.rounds: "),
        ("[settings]\ntf32_matmul = 'perhaps'", "perfkit.toml: settings.tf32_matmul: "),
        ("[profiles.p]\nmin = [1, 3, 8]", "perfkit.toml: profiles.p.min"),
        (
            "[profiles.p]\nmin = [1,3,9,8]\nopt = [1,3,8,8]\nmax = [1,3,8,8]",
            "perfkit.toml: profiles.p: a profile needs",
        ),
        (SUITE.replace("resnet18", ""), "perfkit.toml: suites.mine.models.0: "),
        (SUITE.replace('"resnet18"', '"a", "b", "a"'), "perfkit.toml: suites.mine: models names a more than once"),
        (
            SUITE.replace("[suites.mine]", "[suites.mine]\nshapes = [[1, 3, 8, 8], [1, 3, 8, 8]]"),
            "perfkit.toml: suites.mine: shapes names 1x3x8x8 more than once",
        ),
        (SUITE.replace("eager-fp32", "twin"), "perfkit.toml: suites.mine.variants.cpu: eager-fp32 is missing"),
        ('[models.x]\nprofile = "siz"', "perfkit.toml: models.x.profile: unknown profile 'siz'; did you mean size?"),
        ("[measure", "perfkit.toml: can't be read: "),
        ("name = '\x00'", "perfkit.toml: can't be read: "),
        ("[measure]\ntime_budget_s = inf", "perfkit.toml: measure.time_budget_s: "),
        ("[measure]\ntime_budget_s = nan", "perfkit.toml: measure.time_budget_s: "),
        ("[build]\ntime_limit_s = 1e300", "perfkit.toml: build.time_limit_s: "),
        ("[process]\nmemory_share = nan", "perfkit.toml: process.memory_share: "),
        ("[store]\nmax_gb = 1e300", "perfkit.toml: store.max_gb: "),
        ('[judging."*"]\ntolerance = nan', "perfkit.toml: judging.*.tolerance: "),
        ('[judging."*"]\ntolerance = ' + "9" * 299, "perfkit.toml: judging.*.tolerance: 999"),
    ],
)
def test_a_fault_names_file_and_key(tmp_path: Path, text: str, line: str) -> None:
    assert fault(tmp_path, text).startswith(line)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "perfkit.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"^perfkit\.toml: can't be read: "):
        load_config(tmp_path)


@pytest.mark.parametrize(("text", "key"), [("tool = 3", "tool"), ("[tool]\nperfkit = []", "tool.perfkit")])
def test_a_pyproject_without_tables_of_tools(tmp_path: Path, text: str, key: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(UserError, match=rf"^pyproject\.toml: {key}: should be a table$"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("kind", "name", "line"),
    [
        ("suite", "nightl", "unknown suite 'nightl'; did you mean nightly?"),
        ("suite", "zzz", "unknown suite 'zzz'; known: dynamism, full, nightly, quick, tensorrt"),
        ("profile", "batsh", "unknown profile 'batsh'; did you mean batch?"),
    ],
)
def test_an_unknown_name_brings_the_nearest(tmp_path: Path, kind: str, name: str, line: str) -> None:
    with pytest.raises(UserError) as caught:
        getattr(load_config(tmp_path), kind)(name)
    assert str(caught.value) == line


def test_a_model_that_matches_no_entry(tmp_path: Path) -> None:
    shipped = load_config(tmp_path)
    own = shipped.model_copy(update={"models": {"resnet*": shipped.models["*"]}})
    with pytest.raises(UserError, match=r"model 'alexnet' matches no \[models\] entry"):
        own.model_entry("alexnet")


def test_a_shape_outside_the_profile(tmp_path: Path) -> None:
    config = configured(tmp_path, SUITE.replace("[suites.mine.v", "shapes = [[2, 3, 224, 224]]\n[suites.mine.v"))
    with pytest.raises(UserError, match=r"shape 2x3x224x224 .* outside the profile of resnet18, which is 1x3x112x112"):
        config.shapes(config.suite("mine"), "resnet18", config.profile("size"))
