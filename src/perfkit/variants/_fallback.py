"""What Torch-TensorRT left to PyTorch: operators of its graph module, and the device time that they take."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

_ENGINE = "tensorrt::execute_engine"
_WARMUP_CALLS = 2
_MOST_NAMES = 8


def count_operators(module: nn.Module) -> int:
    """Operators of one graph, less what only handles tuples and sizes; 0 for a module that has none."""
    return len(_operators(module))


def _operators(module: nn.Module) -> list[torch.fx.Node]:
    graph = getattr(module, "graph", None)
    return [
        node
        for node in (graph.nodes if graph is not None else ())
        if node.op == "call_function" and "getitem" not in str(node.target) and "sym_" not in str(node.target)
    ]


def count_fallback(module: nn.Module) -> int:
    """Operators that PyTorch still runs: in the outer graph and in submodules that are no engines."""
    return sum(count_operators(child) for child in module.modules())


def fallback_note(module: nn.Module) -> list[str]:
    """Which operators PyTorch still runs, the most frequent first, as one note; none where there are none.

    Why the compiler left them isn't told by it but in its log.
    """
    names = Counter(str(node.target) for child in module.modules() for node in _operators(child))
    told = [name if count == 1 else f"{name} ({count})" for name, count in names.most_common(_MOST_NAMES)]
    more = len(names) - len(told)
    return [f"left to PyTorch: {', '.join([*told, *([f'{more} more'] if more > 0 else [])])}"] if told else []


def device_share(fallback_ops: int, call: Callable[[], Any]) -> float | None:
    """The share of a call's kernel time that isn't an engine's; None where the profiler saw no engine run."""
    if not fallback_ops:
        return 0.0
    from torch.profiler import ProfilerActivity, profile

    with torch.inference_mode():
        for _ in range(_WARMUP_CALLS):
            call()
        torch.cuda.synchronize()
        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA], acc_events=True) as profiler:
            call()
            torch.cuda.synchronize()
    events = profiler.key_averages()
    kernels_us = sum(event.self_device_time_total for event in events if event.device_type.name == "CUDA")
    engines_us = sum(
        event.device_time_total for event in events if event.key == _ENGINE and event.device_type.name == "CPU"
    )
    return 1 - min(engines_us / kernels_us, 1.0) if kernels_us and engines_us else None
