"""Clocks, replays and lanes on a GPU. Run on the GPU host: ``pytest -m gpu tests/gpu``."""

from __future__ import annotations

import ctypes
import statistics
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.gpu

torch = pytest.importorskip("torch")


def test_device_time_excludes_launch_gaps() -> None:
    """A host that dawdles between launches lengthens wall time, not device time."""
    from perfkit.measure.clock import CudaClock

    clock = CudaClock(torch.device("cuda", 0))
    values = torch.rand(2048, 2048, device="cuda")

    def work(pause_s: float) -> None:
        for _ in range(10):
            torch.mm(values, values)
            time.sleep(pause_s)

    with clock.timed_region():
        work(0)
        brisk = statistics.median(clock.device_s(lambda: work(0)) for _ in range(9))
        dawdling = statistics.median(clock.device_s(lambda: work(1e-3)) for _ in range(9))
        assert clock.wall_s(lambda: work(1e-3)) > 1.5 * clock.wall_s(lambda: work(0))
    assert dawdling == pytest.approx(brisk, rel=0.1)


def test_device_time_is_the_same_after_another_process_came_and_went() -> None:
    """Kernels follow each other faster then, by a sixth, until the process has used all its hardware queues."""
    from perfkit.measure.clock import CudaClock

    clock = CudaClock(torch.device("cuda", 0))
    values = torch.zeros(32, device="cuda")
    comes_and_goes = "import torch; torch.zeros(1, device='cuda').item()"

    def work() -> None:
        for _ in range(200):
            values.add_(1)

    with clock.timed_region():
        work()
        replay = clock.replay_of([work])
        times_s = []
        for _ in range(2):
            clock.settle(replay)
            times_s.append(statistics.median(clock.replayed_s(replay) for _ in range(9)))
            subprocess.run([sys.executable, "-c", comes_and_goes], check=True)
        clock.settle(replay)
        times_s.append(statistics.median(clock.replayed_s(replay) for _ in range(9)))
    assert times_s[1:] == pytest.approx([times_s[0]] * 2, rel=0.03)


def test_device_time_of_a_synchronizing_call_is_refused() -> None:
    from perfkit.measure.clock import CudaClock, NotQueued

    clock = CudaClock(torch.device("cuda", 0))
    value = torch.rand(1, device="cuda")
    with clock.timed_region(), pytest.raises(NotQueued, match="synchronizes by itself"):
        clock.device_s(value.item)


def test_replayed_device_time_has_no_gaps_between_kernels() -> None:
    """Small kernels wait for their launches on the device, queued though they are."""
    from perfkit.measure.clock import CudaClock

    clock = CudaClock(torch.device("cuda", 0))
    values = torch.rand(64, 64, device="cuda")

    def work() -> None:
        for _ in range(100):
            values.relu()

    with clock.timed_region():
        work()
        replay = clock.replay_of([work] * 3)
        replayed = statistics.median(clock.replayed_s(replay) for _ in range(9))
        queued = statistics.median(clock.device_s(work) for _ in range(9))
    assert 0.2 * queued < replayed < 0.95 * queued


def test_what_waits_for_the_device_is_not_captured_and_leaves_nothing_behind() -> None:
    from perfkit.measure.clock import CudaClock
    from perfkit.measure.replay import NotCaptured

    clock = CudaClock(torch.device("cuda", 0))
    value = torch.rand(8, 8, device="cuda")
    stream_ended = ctypes.CDLL("libcudart.so." + str(torch.version.cuda).split(".")[0]).cudaStreamSynchronize

    def waits_unseen() -> None:
        value.relu()
        stream_ended(ctypes.c_void_p(torch.cuda.current_stream().cuda_stream))

    with clock.timed_region():
        with pytest.raises(NotCaptured, match="synchronizing"):
            clock.replay_of([lambda: value.sum().item()])
        with pytest.raises(NotCaptured, match="capture"):
            clock.replay_of([waits_unseen])
        torch.rand(8, device="cuda")
        torch.cuda.empty_cache()
        clock.replay_of([value.relu])


def test_a_lane_copies_its_batch_in_and_the_answers_out() -> None:
    from benchmarks.throughput import StreamLane
    from perfkit.record.facts import BuildFacts
    from perfkit.variants._eager import BuiltModule

    built = BuiltModule(torch.nn.Flatten(), torch.half, BuildFacts(build_s=0))
    images = torch.rand(2, 3, 8, 8, device="cuda").half()
    lane = StreamLane(built, images, copies=True)
    lane()
    torch.cuda.synchronize()
    assert torch.equal(lane.answers[0], images.flatten(1).cpu())
