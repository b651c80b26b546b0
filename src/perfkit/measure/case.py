"""The measuring of one case on a bench: answers first, then warm-up, then paired rounds."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import torch

from perfkit.catalog.case import Platform, Shape, format_shape
from perfkit.measure.agreement import check_answers
from perfkit.measure.clock import NotQueued
from perfkit.measure.custom import custom_metrics
from perfkit.measure.faults import answers_with, call_with, result_with
from perfkit.measure.memory import allocated_bytes, give_back, memory_since
from perfkit.measure.replay import NotCaptured, Replay, count_graphs
from perfkit.measure.rounds import RoundRecorder, WarmupResult, count_rounds, shape_change_s, timed_calls, warm_up
from perfkit.measure.spent import Work
from perfkit.measure.watch import watch
from perfkit.metrics.base import CaseUnderTest
from perfkit.record.schema import CaseRecord, Comparability, Queued, Warmup

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from perfkit.catalog.fault import Fault
    from perfkit.measure.bench import ModelBench, Workshop
    from perfkit.measure.clock import Clock
    from perfkit.variants.base import Variant
    from perfkit.variants.building import BuildResult

_QUEUED_CALLS = 5


class Pedantic(Protocol):
    """The part of pytest-benchmark's fixture that runs the variant's timed calls."""

    def __call__(
        self,
        target: Callable[..., Any],
        *,
        setup: Callable[[], Any],
        teardown: Callable[..., Any],
        rounds: int,
    ) -> Sequence[float]:
        """Runs ``setup``, times ``target`` on what it returns, runs ``teardown``; returns the times in seconds."""


def measure_case(
    bench: ModelBench,
    variant: Variant,
    result: BuildResult,
    shape: Shape,
    pedantic: Pedantic,
    faults: Sequence[Fault] = (),
) -> CaseRecord | None:
    """Checks the answers, warms up, measures the rounds and returns the record.

    ``faults`` are really put into the variant: how a gate is tried out. Returns None when ``pedantic`` took no times
    (benchmarks disabled).
    Raises WrongAnswer before any timing, and whatever the variant raises.
    """
    record = _measured(bench, variant, result, shape, pedantic, faults)
    give_back(bench.workshop.device)  # only here are the graphs gone
    return record


def _measured(
    bench: ModelBench,
    variant: Variant,
    result: BuildResult,
    shape: Shape,
    pedantic: Pedantic,
    faults: Sequence[Fault],
) -> CaseRecord | None:
    result = result_with(faults, result)
    shop, built, reference = bench.workshop, result.built, bench.reference.built
    spent = shop.spent
    with spent.on(Work.LOADING):
        batches = bench.inputs(shape)
    with torch.inference_mode(), shop.clock.timed_region(), ExitStack() as warming:
        with spent.on(Work.COSTS):
            cold_call_s = _cold_call_s(bench, result, shape)
        with spent.on(Work.ANSWERS):
            agreement = check_answers(
                bench.answer,
                answers_with(faults, lambda images: built.unpack(built.call(built.prepare(images)))),
                batches,
                cosine_bound=variant.cosine_bound,
                classifies=bench.model.classifies,
            )
        pairs = [(reference.prepare(images), built.prepare(images)) for images in batches]
        with spent.on(Work.COSTS):
            change_s = _shape_change_s(bench, result, pairs[0][1], shape)
        warming.enter_context(spent.on(Work.WARMING))
        reference_warm = _warm_up(shop, reference.call, [pair[0] for pair in pairs])
        before_bytes = allocated_bytes(shop.device)
        variant_warm = _warm_up(shop, built.call, [pair[1] for pair in pairs])
        memory = memory_since(before_bytes, result.peak_build_bytes)
        typical_s = variant_warm.typical_s
        # Measured once, or the device's slowdown would be another than the caller's.
        work_s = shop.clock.work_s(partial(built.capturable.call, pairs[0][1]), typical_s) if faults else typical_s
        call = call_with(faults, built.call, shop.clock, work_s, typical_s)
        # A fault slows what is captured as well; a replayed graph isn't captured again, but what it was made of is.
        captured = call_with(faults, built.capturable.call, shop.clock, work_s, typical_s)
        sides = [
            [partial(work, pair[side]) for pair in pairs[: count_graphs(warm.typical_s)]]
            for side, (work, warm) in enumerate([(reference.capturable.call, reference_warm), (captured, variant_warm)])
        ]
        names = (bench.reference_variant.name, variant.name)
        replays, not_captured = _replays(shop.clock, list(zip(names, sides, strict=True)))
        variant_calls = timed_calls(typical_s)
        new_recorder = partial(
            RoundRecorder,
            clock=shop.clock,
            reference=reference.call,
            variant=call,
            inputs=pairs,
            reference_calls=timed_calls(reference_warm.typical_s),
            variant_calls=variant_calls,
            replays=replays,
        )
        round_s = _typical_round_s(new_recorder(), reference_warm.typical_s, typical_s) + variant_calls * typical_s
        rounds = count_rounds(
            round_s,
            minimum=shop.measure.min_rounds,
            maximum=shop.measure.max_rounds,
            budget_s=shop.measure.time_budget_s,
        )
        warming.close()
        before_s = spent.on_so_far_s(Work.ROUNDS)
        with watch(shop.device) as watcher, spent.on(Work.ROUNDS):
            recorder = new_recorder(watch=watcher)
            watcher.start()
            times_s = pedantic(
                call,
                setup=lambda: ((recorder.before(),), {}),
                teardown=lambda *_: recorder.after(),
                rounds=rounds * variant_calls,
            )
        with spent.on(Work.COSTS):
            queued = None if replays is None else _queued(shop.clock, [calls[0] for calls in sides])
            one_call = partial(_synchronized, shop.clock, partial(call, pairs[0][1]))
            under_test = CaseUnderTest(one_call, shape, shop.device, built.facts)
            of_user = custom_metrics(shop.metrics, under_test) if times_s else None
    if not times_s:
        return None
    notes = [
        *([] if not_captured is None else [f"device time queued, not replayed: {not_captured}"]),
        *([] if recorder.device_time_lost is None else [f"no device time: {recorder.device_time_lost}"]),
    ]
    return CaseRecord(
        model=bench.plan.label,
        variant=variant.name,
        shape=format_shape(shape),
        platform=Platform(shop.device.type),
        rounds=recorder.rounds(times_s),
        queued=queued,
        conditions=watcher.conditions(),
        work=bench.work.at(shape, variant.name, tf32=_allows_tf32(shop)),
        warmup=Warmup(
            reference_calls=reference_warm.calls,
            variant_calls=variant_warm.calls,
            variant_cold_call_s=cold_call_s,
            variant_shape_change_s=change_s,
            stable=reference_warm.stable and variant_warm.stable,
        ),
        agreement=agreement,
        # Other shapes of the same build have notes of their own.
        facts=built.facts.model_copy(update={"notes": [*built.facts.notes, *notes]}),
        reference_facts=reference.facts,
        memory=memory,
        comparability=_comparability(bench),
        rounds_s=spent.on_so_far_s(Work.ROUNDS) - before_s,
        custom_metrics=of_user,
    )


def _synchronized(clock: Clock, call: Callable[[], Any]) -> None:
    """One call, done when this returns; in whatever thread, for the mode and the stream are each thread's own."""
    with torch.inference_mode(), clock.timed_region():
        call()
        clock.now_s()


def _cold_call_s(bench: ModelBench, result: BuildResult, shape: Shape) -> float:
    """Seconds of the first call at this shape since the build; taken once, whichever case comes to it first."""
    if shape not in result.cold_calls_s:
        inputs = result.built.prepare(bench.inputs(shape)[0])
        result.cold_calls_s[shape] = bench.workshop.clock.wall_s(partial(result.built.call, inputs))
    return result.cold_calls_s[shape]


def _shape_change_s(bench: ModelBench, result: BuildResult, inputs: Any, shape: Shape) -> float | None:
    others = [other for other in bench.plan.shapes if other != shape]
    if not others:
        return None
    try:
        _cold_call_s(bench, result, others[0])
        other = result.built.prepare(bench.inputs(others[0])[0])
        return shape_change_s(bench.workshop.clock, result.built.call, inputs, other)
    except Exception:  # a shape that fails breaks its own case, not this one
        return None


def _replays(
    clock: Clock, sides: Sequence[tuple[str, Sequence[Callable[[], Any]]]]
) -> tuple[tuple[Replay, Replay] | None, str | None]:
    """Both sides' device work, or None with the reason: one side replayed and one queued would make no ratio."""
    if not clock.has_device_time:
        return None, None
    found = []
    for name, calls in sides:
        try:
            found.append(clock.replay_of(calls))
        except NotCaptured as error:
            return None, f"{name}: {error}"
    reference, variant = found
    return (reference, variant), None


def _queued(clock: Clock, sides: Sequence[Callable[[], Any]]) -> Queued | None:
    try:
        reference_s, variant_s = (
            statistics.median(clock.device_s(call) for _ in range(_QUEUED_CALLS)) for call in sides
        )
    except NotQueued:
        return None
    return Queued(reference_s=reference_s, variant_s=variant_s)


def _warm_up(shop: Workshop, call: Callable[[Any], Any], inputs: list[Any]) -> WarmupResult:
    calls = [lambda images=images: call(images) for images in inputs]
    return warm_up(shop.clock, calls, shop.measure.warmup_max_s)


def _typical_round_s(recorder: RoundRecorder, reference_s: float, variant_s: float) -> float:
    """Seconds of a round without the variant's timed calls, at the least; the others are a call of each side.

    Where the device is timed a round is tried out: delays aren't known before, and a first one still searches for its
    own.
    """
    if not recorder.clock.has_device_time:
        settling_s = sum(map(recorder.clock.settling_s, (reference_s, variant_s)))
        return settling_s + recorder.reference_calls * reference_s
    _one_round(recorder)
    started = time.perf_counter()
    _one_round(recorder)
    return time.perf_counter() - started


def _one_round(recorder: RoundRecorder) -> None:
    for _ in range(recorder.variant_calls):
        recorder.before()
        recorder.after()


def _allows_tf32(shop: Workshop) -> bool:
    """In products or in convolutions: the bound of a roofline must hold for the faster of the two."""
    return shop.clock.has_device_time and (shop.tf32 or bool(shop.settings.get("tf32_matmul")))


def _comparability(bench: ModelBench) -> Comparability:
    shop, profile = bench.workshop, bench.plan.profile
    return Comparability(
        weights=bench.model.weights,
        weights_sha256=bench.model.weights_sha256,
        images=f"calibration {shop.calibration.sha256[:16]}, evaluation {shop.evaluation.sha256[:16]}",
        profile="..".join(format_shape(s) for s in (profile.min, profile.opt, profile.max)),
        settings=shop.settings,
    )
