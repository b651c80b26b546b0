"""The schedule alone, and as a whole night with a made-up clock: real code, no machines."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scale.simulation import lower_bound_s
from perfkit.fleet.schedule import Device, Schedule, Unit
from perfkit.fleet.simulate import simulate

ONE, TWO = Device("one", "gpu"), Device("two", "gpu")
OTHER = Device("other", "cpu")


def first(model: str, duration_s: float, hardware: str = "gpu") -> Unit:
    return Unit(hardware, "replicate-1", model, duration_s)


def further(model: str, duration_s: float, number: int = 2) -> Unit:
    return Unit("gpu", f"replicate-{number}", model, duration_s, is_further=True)


def taken(schedule: Schedule, device: Device) -> str | None:
    unit = schedule.take(device, 0.0)
    return None if unit is None else unit.model


def test_a_free_device_gets_the_longest_unit_of_its_hardware() -> None:
    schedule = Schedule([first("a", 1), first("b", 3), first("c", 2), first("d", 9, "cpu")], [ONE, TWO, OTHER])
    assert [taken(schedule, device) for device in (ONE, TWO, OTHER)] == ["b", "c", "d"]
    schedule.done(OTHER, 9)
    assert taken(schedule, OTHER) is None, "what is left belongs on a GPU"


def test_a_device_runs_one_thing_at_a_time() -> None:
    """So that nothing is built on a GPU on which something is measured."""
    schedule = Schedule([first("a", 1), first("b", 1)], [ONE])
    schedule.take(ONE, 0.0)
    with pytest.raises(ValueError, match="one is busy: a device runs one thing at a time"):
        schedule.take(ONE, 0.0)


def test_first_replicates_come_before_longer_further_ones() -> None:
    schedule = Schedule([further("a", 9), first("a", 2), first("b", 1)], [ONE])
    order = []
    while (model := taken(schedule, ONE)) is not None:
        order.append(model)
        schedule.done(ONE, 1)
    assert order == ["a", "b", "a"]


def test_a_further_replicate_waits_for_the_engines_of_the_first() -> None:
    schedule = Schedule([first("a", 2), further("a", 2)], [ONE, TWO])
    assert taken(schedule, ONE) == "a"
    assert taken(schedule, TWO) is None
    assert not schedule.is_done
    schedule.done(ONE, 2)
    assert taken(schedule, TWO) == "a"


def test_what_a_lost_device_was_at_goes_to_another_one() -> None:
    schedule = Schedule([first("a", 2), first("b", 1)], [ONE, TWO])
    schedule.take(ONE, 0.0)
    schedule.lost(ONE, "its node died")
    assert taken(schedule, TWO) == "a"
    assert schedule.given_up == []


def test_work_that_costs_three_devices_is_given_up_with_the_reason() -> None:
    devices = [Device(str(number), "gpu") for number in range(5)]
    schedule = Schedule([first("a", 2), further("a", 2)], devices)
    for device in devices[:3]:
        assert taken(schedule, device) == "a"
        schedule.lost(device, f"node {device.name} died")
    (lost,) = schedule.given_up
    assert lost.unit == first("a", 2)
    assert lost.reason == "node 2 died, and so it was 3 times"
    assert schedule.take(devices[3], 0.0) == further("a", 2), "the other replicate is tried all the same"


def test_units_without_a_device_are_stranded_not_forgotten() -> None:
    outcome = simulate([first("a", 2), further("a", 2), first("b", 2)], [ONE], deaths_s={ONE: 1.0}, retries=9)
    assert sorted(unit.model for unit in outcome.stranded) == ["a", "a", "b"]
    assert outcome.wasted_s == 1.0


def test_further_replicates_that_would_not_end_in_time_are_dropped_and_shorter_ones_kept() -> None:
    schedule = Schedule([first("a", 4), first("b", 1), further("a", 4), further("b", 1)], [ONE])
    for _ in range(2):
        unit = schedule.take(ONE, 0.0, left_s=100.0)
        assert unit is not None
        schedule.done(ONE, unit.duration_s)
    assert schedule.take(ONE, 0.0, left_s=2.0) == further("b", 1)
    assert schedule.dropped == [further("a", 4)]


def test_first_replicates_are_never_dropped() -> None:
    schedule = Schedule([first("a", 4)], [ONE])
    assert schedule.take(ONE, 0.0, left_s=-1.0) == first("a", 4)


def test_estimates_follow_what_units_really_took() -> None:
    schedule = Schedule([first("a", 1), further("a", 1)], [ONE])
    schedule.take(ONE, 0.0)
    schedule.done(ONE, 3.0)
    assert schedule.pace == 3.0
    assert schedule.take(ONE, 0.0, left_s=2.0) is None
    assert schedule.dropped == [further("a", 1)]


def test_a_unit_that_all_would_wait_for_is_split_by_its_variants() -> None:
    unit = replace(first("a", 30), overhead_s=2.0, variants=4)
    devices = [Device(str(number), "gpu") for number in range(8)]
    outcome = simulate([unit], devices)
    assert sorted(each.piece for each in outcome.ended) == [0, 1, 2, 3]
    assert outcome.makespan_s == 2.0 + 28.0 / 4
    assert simulate([unit], devices[:1]).makespan_s == 30.0, "one device has nobody to share with"


def test_a_further_replicate_waits_for_all_pieces_of_the_first() -> None:
    schedule = Schedule([replace(first("a", 30), variants=2), further("a", 1)], [ONE, TWO])
    assert (taken(schedule, ONE), taken(schedule, TWO)) == ("a", "a")
    schedule.done(ONE, 15)
    assert taken(schedule, ONE) is None
    schedule.done(TWO, 15)
    assert schedule.take(ONE, 0.0) == further("a", 1)


UNITS = st.lists(
    st.builds(
        Unit,
        st.sampled_from(["gpu", "cpu"]),
        st.just("replicate-1"),
        st.integers(0, 10**6).map(str),
        st.floats(0.1, 100),
        st.just(0.05),
        st.integers(1, 5),
    ),
    max_size=30,
    unique_by=lambda unit: unit.model,
)


@given(UNITS, st.integers(1, 3), st.integers(1, 6), st.data())
def test_nothing_is_lost_and_nothing_done_twice(
    units: list[Unit], replicates: int, count: int, data: st.DataObject
) -> None:
    """Whatever dies: all of every unit has ended, was given up, or is stranded because no device is left."""
    devices = [Device(f"{hardware}-{number}", hardware) for number in range(count) for hardware in ("gpu", "cpu")]
    everything = [
        replace(unit, replicate=f"replicate-{number}", is_further=number > 0)
        for unit in units
        for number in range(replicates)
    ]
    dead = data.draw(st.lists(st.sampled_from(devices), unique=True, max_size=len(devices)))
    deaths_s = {device: data.draw(st.floats(0, 300)) for device in dead}
    outcome = simulate(everything, devices, deaths_s=deaths_s, retries=1)
    accounted: Counter[tuple[str, str]] = Counter()
    for unit in (*outcome.ended, *(lost.unit for lost in outcome.given_up), *outcome.stranded):
        accounted[unit.replicate, unit.model] += Fraction(1, unit.pieces)  # type: ignore[assignment]
    assert accounted == Counter(dict.fromkeys(((unit.replicate, unit.model) for unit in everything), 1))
    if outcome.stranded:
        assert {device.hardware for device in dead} >= {unit.hardware for unit in outcome.stranded}


@given(UNITS, st.integers(1, 6))
def test_a_night_ends_within_what_list_scheduling_promises(units: list[Unit], count: int) -> None:
    devices = [Device(f"{hardware}-{number}", hardware) for number in range(count) for hardware in ("gpu", "cpu")]
    whole = [replace(unit, variants=1) for unit in units]
    everything = [*whole, *(replace(unit, replicate="replicate-2", is_further=True) for unit in whole)]
    makespan_s, bound_s = simulate(everything, devices).makespan_s, lower_bound_s(everything, devices)
    assert bound_s * (1 - 1e-9) <= makespan_s <= bound_s + 2 * max((unit.duration_s for unit in units), default=0)
