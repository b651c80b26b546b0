"""The devices of a fleet by their hardware, and what the last night tells of each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.catalog.case import Platform
from perfkit.errors import UserError
from perfkit.fleet.night import Gone
from perfkit.fleet.schedule import Device
from perfkit.fleet.site import Site, certainties_here, last_night, sites_of
from perfkit.fleet.worker import Answer
from perfkit.judge.limits import Limits
from perfkit.record.baseline import Baseline
from perfkit.record.journal_file import line_of
from perfkit.replicates.durations import Durations
from tests.fleet.made_up import CASES, session
from tests.support import CPU, GPU, make_run, run_data

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.record.schema import Hardware


def plan(hardware: Hardware = GPU, **software: str) -> Answer:
    """What a device of the hardware answers."""
    found = session()
    run = found.run.model_copy(update={"hardware": hardware, "software": {**found.run.software, **software}})
    return Answer(line_of(found.model_copy(update={"run": run}).model_dump(mode="json")), "")


def test_devices_are_grouped_by_hardware(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    sites = sites_of({"b": plan(), "c": plan(CPU), "a": plan()}, told.append)
    assert [[device.name for device in site.devices] for site in sites] == [["c"], ["a", "b"]]
    assert sites[1].devices == [Device("a", sites[1].hardware), Device("b", sites[1].hardware)]
    assert sites[1].cases == CASES
    assert (told, capsys.readouterr().err) == ([], "")


def test_a_device_that_differs_or_is_lost_is_told_and_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    broken = Answer(b"", "no CUDA here\n", "its process ended with 1 before its first case")
    plans: dict[str, Answer | Gone] = {"a": plan(), "b": plan(torch="2.12.0"), "c": Gone("its node died"), "d": broken}
    (site,) = sites_of(plans, told.append)
    assert [device.name for device in site.devices] == ["a"]
    assert told == [
        "b isn't measured on: it isn't as a: version of torch (2.11.0 -> 2.12.0)",
        "c isn't measured on: its node died",
        "d isn't measured on: its process ended with 1 before its first case",
    ]
    assert capsys.readouterr().err == "no CUDA here\n"


def test_without_a_device_nothing_is_measured() -> None:
    with pytest.raises(UserError, match="no device to measure on: c isn't measured on: its node died"):
        sites_of({"c": Gone("its node died")}, lambda _: None)
    with pytest.raises(UserError, match="no device to measure on: the fleet has none"):
        sites_of({}, lambda _: None)


def test_a_request_that_pytest_refuses_is_refused() -> None:
    refusal = Answer(b"", "", "pytest ended with 4, see above; nothing was measured", is_refused=True)
    with pytest.raises(UserError, match="a: pytest ended with 4, see above; nothing was measured"):
        sites_of({"a": refusal}, lambda _: None)


def write(path: Path, data: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


@pytest.fixture
def site() -> Site:
    (found,) = sites_of({"a": plan(), "b": plan()}, lambda _: None)
    return found


def test_the_last_night_is_the_newest_whole_run_on_the_same_hardware(tmp_path: Path, site: Site) -> None:
    assert last_night(tmp_path, site) == []
    write(tmp_path / "20300101" / "replicate-1.json", run_data(day=1))
    write(tmp_path / "20300102" / "replicate-2.json", run_data(day=3))
    write(tmp_path / "20300102" / "replicate-1.json", run_data(day=2))
    write(tmp_path / "20300103" / "replicate-1.json", run_data(day=4, hardware=CPU))
    write(tmp_path / "20300104" / "replicate-1.json", run_data(day=5, incomplete="12 of 13 tests are left"))
    (tmp_path / "20300105").mkdir()
    (tmp_path / "20300105" / "replicate-1.json").write_text("{")
    assert [data["datetime"][:10] for data in last_night(tmp_path, site)] == ["2030-01-02", "2030-01-03"]


def test_its_verdicts_tell_what_another_replicate_is_worth(site: Site) -> None:
    baseline = Baseline("baseline", GPU, tuple(make_run(day=day, between=0.003).replicate for day in range(1, 6)))
    night = [run_data(day=day, between=0.003) for day in (11, 12, 13)]
    found = certainties_here(night, baseline, Limits(), site)
    assert set(found) == set(CASES)
    assert all(0 < each.blindness < 1 for each in found.values())
    assert {(each.baseline_replicates, each.replicates) for each in found.values()} == {(5, 3)}
    assert not any(each.is_open for each in found.values())
    assert certainties_here([], baseline, Limits(), site) == {}
    assert all(each.is_open for each in certainties_here(night, None, Limits(), site).values())
    assert site.session.run.platform is Platform.CUDA


@pytest.mark.parametrize(("budget_s", "kept"), [(1e6, 24), (0.0, 0), (400.0, None)])
def test_what_doesnt_fit_on_these_devices_is_dropped(site: Site, budget_s: float, kept: int | None) -> None:
    """Of 12 cases in 3 replicates: 2 devices take half the time."""
    site.durations = Durations(10.0, start_s=5.0)
    dropped = site.drop(3, {}, budget_s)
    assert {repeat.number for repeat in dropped} <= {2, 3}
    if kept is not None:
        assert len(dropped) == 24 - kept
    else:
        alone = Site(site.hardware, site.session, site.devices[:1], site.durations)
        assert len(alone.drop(3, {}, 200.0)) >= len(site.drop(3, {}, 200.0)) > 0
