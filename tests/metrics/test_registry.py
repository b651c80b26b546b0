from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

import pytest
import torch

from perfkit.errors import UserError
from perfkit.measure.custom import custom_metrics
from perfkit.metrics import registry
from perfkit.metrics.base import CaseMetric, CaseUnderTest
from perfkit.record.facts import Better, BuildFacts
from tests.support import program_environment

if TYPE_CHECKING:
    from collections.abc import Callable


class Sound(CaseMetric):
    name = "sound"
    unit = "calls"
    better = Better.HIGHER
    tolerance = 0.1

    def __init__(self, found: Callable[[CaseUnderTest], Any] = lambda _: 3) -> None:
        self._found = found

    def measure(self, case: CaseUnderTest) -> float:
        number: float = self._found(case)
        return number


class NoTolerance(Sound):
    tolerance = 0.0


class Percent(Sound):
    tolerance = 10


class NoUnit(Sound):
    unit = ""


class OtherName(Sound):
    name = "other"


class Taken(Sound):
    name = "wall time"


class Unavailable(Sound):
    def unavailable(self) -> str | None:
        return "no counter here"


class NoMetric:
    pass


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    def register(name: str, value: str) -> None:
        points = {name: EntryPoint(name, value, registry.GROUP)}
        monkeypatch.setattr(registry, "_entries", lambda: points)

    return register


def of_this_module(kind: type) -> str:
    return f"{kind.__module__}:{kind.__name__}"


def test_a_registered_metric_is_loaded(entries: Callable[[str, str], None]) -> None:
    entries("sound", of_this_module(Sound))
    assert registry.metric_names() == ["sound"]
    (metric,) = registry.load_metrics(["sound"])
    assert isinstance(metric, Sound)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("sound", "perfkit.nowhere:Sound", "can't be imported: ModuleNotFoundError"),
        ("sound", of_this_module(NoMetric), "is not a subclass of perfkit.metrics.base.CaseMetric"),
        ("sound", of_this_module(OtherName), "calls itself 'other'; both must be the same"),
        ("wall time", of_this_module(Taken), "perfkit has a metric of that name"),
        ("sound", of_this_module(NoTolerance), "tolerance: Input should be greater than 0"),
        ("sound", of_this_module(Percent), "tolerance: Input should be less than 1"),
        ("sound", of_this_module(NoUnit), "unit: String should have at least 1 character"),
    ],
)
def test_a_metric_that_does_not_fit_is_named_in_one_line(
    entries: Callable[[str, str], None], name: str, value: str, why: str
) -> None:
    entries(name, value)
    with pytest.raises(UserError, match=why) as told:
        registry.load_metrics([name])
    assert "\n" not in str(told.value)


def case_under_test() -> tuple[CaseUnderTest, list[int]]:
    calls: list[int] = []
    case = CaseUnderTest(lambda: calls.append(1), (2, 3, 8, 8), torch.device("cpu"), BuildFacts(build_s=0.0))
    return case, calls


def test_a_metric_measures_by_calling() -> None:
    case, calls = case_under_test()

    def three_calls(case: CaseUnderTest) -> int:
        for _ in range(3):
            case.call()
        return len(calls)

    measured = custom_metrics([Sound(three_calls)], case)
    assert measured is not None
    found = measured["sound"]
    assert (found.value, found.unit, found.better, found.tolerance, found.reason) == (3, "calls", "higher", 0.1, "")
    assert custom_metrics([], case) is None


def raises(_: CaseUnderTest) -> float:
    raise OSError("no such counter")


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        (Sound(raises), "OSError: no such counter"),
        (Sound(lambda _: 0), "0 is not above 0, or not finite"),
        (Sound(lambda _: -1), "-1 is not above 0, or not finite"),
        (Sound(lambda _: float("nan")), "nan is not above 0, or not finite"),
        (Sound(lambda _: "fast"), "ValueError: could not convert"),
        (Unavailable(), "no counter here"),
    ],
)
def test_a_number_that_is_none_is_a_reason_and_costs_no_times(metric: CaseMetric, why: str) -> None:
    case, _ = case_under_test()
    measured = custom_metrics([metric], case)
    assert measured is not None
    assert measured["sound"].value is None
    assert measured["sound"].reason.startswith(why)


def test_listing_metrics_imports_no_torch() -> None:
    code = "import sys; from perfkit.metrics.registry import metric_names; metric_names(); "
    code += "assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env=program_environment())
