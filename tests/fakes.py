"""Variants for tests alone, most of them broken; tests.projects registers them by an entry point.

Each says in the file that PERFKIT_TEST_LOG names when it is built and closed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from perfkit.record.facts import BuildFacts
from perfkit.variants.base import BuildRequest, Built, StoredVariant, Variant

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

LOG = "PERFKIT_TEST_LOG"
_SEEN: list[weakref.ref[nn.Module]] = []
"""The models that variants were built from."""


class BuiltFake(Built):
    """The model itself, with `change` applied to its answers."""

    def __init__(self, variant: str, model: nn.Module, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__(BuildFacts(build_s=0.0, notes=[f"{variant} was here"]))
        self._variant = variant
        self._model: nn.Module | None = model
        self._change = change

    def call(self, inputs: Tensor) -> Tensor:
        assert self._model is not None, "called after close"
        outputs: Tensor = self._model(inputs)
        return self._change(outputs)

    def close(self) -> None:
        _log(f"close {self._variant}")
        self._model = None


class Twin(Variant):
    """The reference under another name: a sound variant that costs nothing to build."""

    name = "twin"
    cosine_bound = 0.99

    def build(self, request: BuildRequest) -> Built:
        earlier = {id(model) for model in (seen() for seen in _SEEN) if model is not None}
        _SEEN.append(weakref.ref(request.model))
        others = len(earlier - {id(request.model)})
        _log(f"build {self.name} {type(request.model).__name__}, {others} other models alive")
        return BuiltFake(self.name, request.model, self.change)

    def change(self, outputs: Tensor) -> Tensor:
        return outputs


class Sibling(Twin):
    name = "sibling"


class RaisesInBuild(Twin):
    name = "raises-in-build"

    def build(self, request: BuildRequest) -> Built:
        super().build(request)
        raise RuntimeError("no kernel for this operator\nand a second line")


class WrongPrecision(Twin):
    """Named for eight bits, and built of float layers alone."""

    name = "wrong-precision"
    precision_formats = ("int8",)

    def build(self, request: BuildRequest) -> Built:
        built = super().build(request)
        built.facts = built.facts.model_copy(update={"layer_formats": {"Float": 53, "Half": 2}})
        return built


class KillsItsProcess(Twin, StoredVariant):
    """As a native builder does that runs out of memory; it is built in a process of its own."""

    name = "kills-its-process"
    isolated = True

    def build(self, request: BuildRequest) -> Built:
        os.kill(os.getpid(), signal.SIGKILL)
        return super().build(request)

    def key_parts(self, request: BuildRequest) -> dict[str, str]:
        return {}

    def save(self, built: Built, folder: Path) -> None:
        raise NotImplementedError

    def load(self, request: BuildRequest, folder: Path, facts: BuildFacts) -> Built:
        raise NotImplementedError


class Interrupted(Twin):
    """As by Ctrl-C while a case warms up."""

    name = "interrupted"

    def change(self, outputs: Tensor) -> Tensor:
        raise KeyboardInterrupt


class RaisesInCall(Twin):
    name = "raises-in-call"

    def change(self, outputs: Tensor) -> Tensor:
        raise ValueError(f"cannot serve {tuple(outputs.shape)}")


class RaisesWhenTimed(Twin):
    name = "raises-when-timed"

    def change(self, outputs: Tensor) -> Tensor:
        if _called_by("pedantic"):
            raise RuntimeError("out of memory")
        return outputs


class AnswersNan(Twin):
    name = "answers-nan"

    def change(self, outputs: Tensor) -> Tensor:
        return torch.full_like(outputs, float("nan"))


class WrongShape(Twin):
    name = "wrong-shape"

    def change(self, outputs: Tensor) -> Tensor:
        return outputs[:, 1:]


class WrongAnswers(Twin):
    name = "wrong-answers"

    def change(self, outputs: Tensor) -> Tensor:
        return -outputs


class Unavailable(Twin):
    name = "unavailable"

    def unavailable(self) -> str | None:
        return "this machine lacks a flux capacitor"


class ServesOneShape(Twin):
    name = "serves-one-shape"

    def build(self, request: BuildRequest) -> Built:
        def refuse(shape: torch.Size) -> None:
            if shape != request.profile.min:
                raise ValueError(f"cannot serve {tuple(shape)}")

        return _before_calls(super().build(request), refuse)


class SetsUpShapes(Twin):
    """Sound, but the first call of each shape costs it 0.3 s, and every other change of shape 0.1 s."""

    name = "sets-up-shapes"

    def build(self, request: BuildRequest) -> Built:
        seen: list[torch.Size] = []

        def set_up(shape: torch.Size) -> None:
            if shape not in seen:
                time.sleep(0.3)
            elif shape != seen[-1]:
                time.sleep(0.1)
            seen.append(shape)

        return _before_calls(super().build(request), set_up)


class ClockBackwards(Twin):
    """Sound, but in each call that pytest-benchmark times the clock is set back by an hour, as a faulty one may be."""

    name = "clock-backwards"

    def change(self, outputs: Tensor) -> Tensor:
        if _called_by("runner"):
            clock = time.perf_counter
            time.perf_counter = lambda: clock() - 3600
        return outputs


class QuickGraph(Twin):
    """As one that is replayed from a graph; calls of what the graph was captured from are logged."""

    name = "quick-graph"

    def build(self, request: BuildRequest) -> Built:
        plain = _before_calls(super().build(request), lambda shape: _log(f"launch {tuple(shape)}"))

        class Replayed(BuiltFake):
            @property
            def capturable(self) -> Built:
                return plain

        return Replayed(self.name, request.model, self.change)


class NotAVariant:
    """What an entry point must not name."""


def _before_calls(built: Built, act: Callable[[torch.Size], None]) -> Built:
    served = built.call

    def call(inputs: Tensor) -> Any:
        act(inputs.shape)
        return served(inputs)

    built.call = call  # type: ignore[method-assign]
    return built


def _called_by(function: str) -> bool:
    frame: Any = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == function:
            return True
        frame = frame.f_back
    return False


def _log(line: str) -> None:
    if path := os.environ.get(LOG):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
