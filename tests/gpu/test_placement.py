"""Where things lie in a GPU's memory. Run on the GPU host: ``pytest -m gpu tests/gpu``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.gpu

torch = pytest.importorskip("torch")

_SIZE_BYTES = 100 * 2**20


def _free_bytes() -> int:
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    free_bytes: int = torch.cuda.mem_get_info()[0]
    return free_bytes


def test_the_blocks_before_what_is_placed_go_back_to_the_driver() -> None:
    from perfkit.variants.placement import elsewhere

    device = torch.device("cuda", 0)
    torch.zeros(1, device=device)
    before_bytes, allocated_bytes = _free_bytes(), torch.cuda.memory_allocated()
    for _ in range(20):
        with elsewhere(device):
            held_bytes = torch.cuda.memory_allocated() - allocated_bytes
            assert 2 * 2**20 <= held_bytes <= 512 * 2**20
        assert torch.cuda.memory_allocated() == allocated_bytes
        assert torch.cuda.memory_reserved() <= allocated_bytes + 2 * 2**20
    assert before_bytes - _free_bytes() < 64 * 2**20


def test_what_is_allocated_inside_stays_and_lies_elsewhere_each_time() -> None:
    from perfkit.variants.placement import elsewhere

    device, addresses = torch.device("cuda", 0), set()
    for value in range(10):
        torch.cuda.empty_cache()
        with elsewhere(device):
            placed = torch.full((_SIZE_BYTES,), value, dtype=torch.uint8, device=device)
        assert torch.equal(placed, torch.full_like(placed, value))
        addresses.add(placed.data_ptr())
        del placed
    assert len(addresses) > 1


def test_each_capture_is_placed(monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import contextmanager

    from perfkit.measure import replay
    from perfkit.measure.clock import CudaClock
    from perfkit.variants.placement import elsewhere

    clock = CudaClock(torch.device("cuda", 0))
    values = torch.ones(1000, device="cuda")
    kept, draws, inside = [], 0, False

    @contextmanager
    def counted(device: Any) -> Iterator[int]:
        nonlocal draws, inside
        with elsewhere(device) as blocks_bytes:
            draws, inside = draws + 1, True
            yield blocks_bytes
            inside = False

    monkeypatch.setattr(replay, "elsewhere", counted)
    placed = []

    def work() -> None:
        placed.append(inside)
        kept.append(values * 2 + 1)

    with clock.timed_region():
        work()
        graphs = clock.replay_of([work, work])
        kept[-1].zero_()
        graphs()
        torch.cuda.synchronize()
    assert draws == 2
    assert placed.count(True) == 2  # the calls of the captures, not those before
    assert torch.equal(kept[-1], torch.full_like(values, 3))
