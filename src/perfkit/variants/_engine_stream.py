"""The stream that a Torch-TensorRT engine runs on: its caller's.

Up to 2.11, Torch-TensorRT takes a stream from PyTorch's pool when an engine is first called, keeps it for that engine,
and lets the caller's stream and this one wait for each other in every call. What the waiting costs depends on which of
the pool's streams it happens to be, so one and the same engine has several speeds (docs/h100-first-nights.md). Later
versions run the engine on the caller's stream, unless that is the default one; so does perfkit with those that don't.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import nn

_LARGEST_POOL = 256


def place_on_callers_stream(engines: Iterable[nn.Module]) -> None:
    """Each engine's first call will find the stream that is current then to be the next one of the pool."""
    for engine in engines:
        _place(engine)


def turn_pool(draw: Callable[[], int], wanted: int) -> bool:
    """Draws from a pool that hands out its streams in turn until the wanted one comes next.

    ``draw`` returns the handle of the stream handed out. False where the pool doesn't hold the wanted one.
    """
    if not _draw_to(draw, wanted):
        return False
    size = _draw_to(draw, wanted)
    for _ in range(size - 1):
        draw()
    return True


def _draw_to(draw: Callable[[], int], wanted: int) -> int:
    """How many draws it took; 0 where it never came."""
    return next((count for count in range(1, _LARGEST_POOL + 1) if draw() == wanted), 0)


def _place(engine: nn.Module) -> None:
    def turn(*_: object) -> None:
        hook.remove()
        turn_pool(lambda: torch.cuda.Stream().cuda_stream, torch.cuda.current_stream().cuda_stream)

    hook = engine.register_forward_pre_hook(turn)
