from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from perfkit.catalog.waivers import Waiver, load_waivers
from perfkit.errors import UserError
from tests.support import case

DOCS = Path(__file__).parents[2] / "docs"
ENTRY = """
[[waiver]]
case = "resnet50/trt-int8/*"
metric = "device *"
size = "8%"
owner = "ana"
reason = "new kernel lands in March"
expires = 2030-03-01
"""


def load(folder: Path, text: str) -> tuple[Waiver, ...]:
    (folder / "perfkit-waivers.toml").write_text(text, encoding="utf-8")
    return load_waivers(folder)


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert load_waivers(tmp_path) == ()
    assert load(tmp_path, "") == ()


def test_a_waiver_is_what_its_entry_says(tmp_path: Path) -> None:
    first, second = load(tmp_path, ENTRY + ENTRY.replace("8%", "0.3 ms").replace("device *", "wall time"))
    assert first.matches(case("trt-int8"))
    assert not first.matches(case("trt-fp16"))
    assert [first.covers(metric) for metric in ("device speedup", "device time", "wall time")] == [True, True, False]
    assert first.size.percent == 8
    assert second.size.seconds == pytest.approx(3e-4)
    assert not first.is_over(dt.date(2030, 3, 1))
    assert first.is_over(dt.date(2030, 3, 2))
    assert second.name == "waiver 2 (ana, resnet50/trt-int8/*)"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"8%"', "10", 'waiver 1: size: 10 has no unit: write "10%" for a share'),
        ('"8%"', "0.1", "waiver 1: size: 0.1 has no unit"),
        ('"8%"', '"10"', "waiver 1: size: '10' is no size"),
        ('"8%"', '"-8%"', "waiver 1: size: '-8%' is no size"),
        ('"8%"', '"0 %"', "waiver 1: size: '0 %' allows nothing"),
        ('"8%"', "true", "waiver 1: size: True is no size"),
        ('"8%"', '"' + "9" * 400 + '%"', "waiver 1: size: '999"),
        ('case = "', 'case = "' + "[" * 1001, "waiver 1: case: String should have at most 1000 characters"),
        ('"8%"', '"1 ms"', "waiver 1: size '1 ms' fits times alone: write a percent for 'device speedup'"),
        ("device *", "latency", "waiver 1: metric 'latency' is none of device speedup, "),
        ('owner = "ana"', "", "waiver 1: owner: is missing"),
        ('"ana"', '" "', "waiver 1: owner: String should have at least 1 character"),
        ("owner", "own", "waiver 1: owner: is missing (and 1 more)"),
        ("2030-03-01", '"soon"', "waiver 1: expires: "),
        ("2030-03-01", "2030-03-01T10:00:00", "waiver 1: expires: "),
        ("[[waiver]]", "number = 3\n[[waiver]]", "unknown key 'number'; entries are [[waiver]]"),
        ("[[waiver]]", "[[waiver]]\nnumber = 3", "waiver 1: number: unknown key"),
        ("[[waiver]]", "[waiver]", "waiver: should be a list of tables"),
        ("[[waiver]]", "[[waiver", "can't be read: "),
    ],
)
def test_what_is_no_waiver_is_named_by_file_entry_and_key(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    with pytest.raises(UserError) as error:
        load(tmp_path, ENTRY.replace(before, after, 1))
    assert str(error.value).startswith(f"perfkit-waivers.toml: {message}")


def test_the_second_entry_is_named_as_the_second(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^perfkit-waivers\.toml: waiver 2: size: 10 has no unit"):
        load(tmp_path, ENTRY + ENTRY.replace('"8%"', "10"))


def test_the_pages_example_is_a_waiver(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(\[\[waiver.*?)```", (DOCS / "baselines.md").read_text("utf-8"), flags=re.DOTALL)
    (waiver,) = load(tmp_path, example)
    assert waiver.matches(case("trt-int8"))


@given(st.floats(min_value=0.01, max_value=1e4), st.sampled_from(["%", "s", "ms", "us", "µs", "ns"]), st.booleans())
def test_a_size_with_its_unit_is_read(number: float, unit: str, spaced: bool) -> None:
    told = {"case": "*", "metric": "wall time", "owner": "a", "reason": "r", "expires": "2030-01-01"}
    text = f"{number:.3f}{' ' if spaced else ''}{unit}"
    size = Waiver.model_validate({**told, "size": text}).size
    assert str(size) == text
    assert (size.percent is None) != (size.seconds is None)
    with pytest.raises(ValidationError):
        Waiver.model_validate({**told, "size": f"{number:.3f}"})
