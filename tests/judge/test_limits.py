"""The project's own limits."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from perfkit.catalog.case import Platform
from perfkit.catalog.config import load_config
from perfkit.cli import main
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.limits import Limits
from perfkit.judge.metric import Metric
from perfkit.judge.verdict import Verdict
from tests.judge.helpers import HURT, others, row_of, usual_baseline
from tests.support import make_run, slowed, usual_times, write_run

TOML = """
[judging."*/trt-int8/*"]
tolerance = 0.5
[judging."resnet50/*"]
tolerance = 0.2
minimum_effect = { "device speedup" = 0.3, "device time" = 0.3, "wall speedup" = 0.4, "wall time" = 0.4 }
"""


@pytest.fixture
def limits(tmp_path: Path) -> Limits:
    (tmp_path / "perfkit.toml").write_text(TOML, encoding="utf-8")
    return Limits.of(load_config(tmp_path))


def test_the_first_glob_that_has_the_value_counts(limits: Limits) -> None:
    assert limits.tolerance(HURT, Metric.WALL_SPEEDUP, Platform.CUDA) == pytest.approx(2 * math.log(1.4))
    other = HURT._replace(model="mobilenet_v2")
    assert limits.tolerance(other, Metric.WALL_SPEEDUP, Platform.CUDA) == pytest.approx(math.log(1.5))
    assert Limits().tolerance(other, Metric.WALL_SPEEDUP, Platform.CUDA) == pytest.approx(math.log(1.1))
    assert limits.minimum_effect(HURT, Metric.DEVICE_SPEEDUP) == pytest.approx(math.log(1.3))
    assert limits.minimum_effect(other, Metric.DEVICE_SPEEDUP) == Limits().minimum_effect(other, Metric.DEVICE_SPEEDUP)


def test_a_change_below_the_projects_minimum_counts_for_nothing(limits: Limits) -> None:
    run = make_run(slowed(usual_times(), HURT, 1.2), day=9)
    assert row_of(judge(usual_baseline(), [run])).verdict is Verdict.REGRESSED
    judgement = judge(usual_baseline(), [run], limits)
    assert row_of(judgement).verdict is Verdict.PASS
    assert others(judgement) <= {Verdict.PASS, Verdict.INCONCLUSIVE}


def test_a_wider_tolerance_lets_a_blinder_row_pass(limits: Limits) -> None:
    noisy, run = usual_baseline(nights=4, between=0.06), make_run(day=9)
    other = HURT._replace(model="mobilenet_v2")
    assert row_of(judge(noisy, [run]), other).verdict is Verdict.INCONCLUSIVE
    assert row_of(judge(noisy, [run], limits), other).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ("tolerance = -0.1", "tolerance"),
        ("tolerance = 10", 'tolerance: 10 has no unit: write "10%", or "1000%" if that is what is meant'),
        ('tolerance = "0.1"', r"tolerance: '0\.1' is no share: write a number with a percent sign"),
        ('tolerance = "2000%"', "tolerance: Input should be less than or equal to 10"),
        ('minimum_effect = { "wall time" = 1 }', 'minimum_effect.wall time: 1 has no unit: write "1%"'),
        ('minimum_effect = { "speed" = 0.1 }', "minimum_effect.speed"),
        ("threshold = 0.1", "threshold"),
        (
            'minimum_speed = { "trt-fp16" = 1.0 }',
            r"minimum_speed\.trt-fp16: 1\.0 is no factor: write a number with an x",
        ),
        ('minimum_speed = { "trt-fp16" = "100%" }', r"minimum_speed\.trt-fp16: '100%' is no factor"),
        ('minimum_speed = { "trt-fp16" = "0x" }', r"minimum_speed\.trt-fp16: Input should be greater than 0"),
    ],
)
def test_a_limit_that_is_none_is_named(tmp_path: Path, entry: str, key: str) -> None:
    (tmp_path / "perfkit.toml").write_text(f'[judging."*"]\n{entry}\n', encoding="utf-8")
    with pytest.raises(UserError, match=rf"judging\.\*\.{key}"):
        load_config(tmp_path)


@pytest.mark.case("A18")
def test_a_share_may_be_a_percentage(tmp_path: Path) -> None:
    (tmp_path / "perfkit.toml").write_text(TOML.replace("= 0.2", '= "20 %"'), encoding="utf-8")
    entry = load_config(tmp_path).judging["resnet50/*"]
    assert entry.tolerance == pytest.approx(0.2)
    (tmp_path / "perfkit.toml").write_text(TOML.replace("= 0.2", '= "2.5%"'), encoding="utf-8")
    assert load_config(tmp_path).judging["resnet50/*"].tolerance == pytest.approx(0.025)


def test_the_pages_example_is_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(\[judging.*?)```", page, flags=re.DOTALL)
    (tmp_path / "perfkit.toml").write_text(example, encoding="utf-8")
    limits = Limits.of(load_config(tmp_path))
    mobile = HURT._replace(model="mobilenet_v2")
    assert limits.tolerance(mobile, Metric.DEVICE_SPEEDUP, Platform.CUDA) == pytest.approx(math.log(1.2))


def test_the_command_line_takes_the_folders_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in (1, 2, 3):
        write_run(tmp_path / "before", day=day)
    run = write_run(tmp_path / "after", slowed(usual_times(), HURT, 1.2), day=9)
    monkeypatch.chdir(tmp_path)
    assert main(["compare", "before", str(run)]) == ExitCode.FAIL
    lenient = TOML.replace('"resnet50/*"', '"*"').replace("= 0.2", '= "500%"').replace("= 0.5", '= "500 %"')
    (tmp_path / "perfkit.toml").write_text(lenient, encoding="utf-8")
    assert main(["compare", "before", str(run)]) == ExitCode.PASS
