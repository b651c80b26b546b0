"""A backend of optimum-benchmark whose forward pass is the call that all tools measure; its config names it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from logging import getLogger
from typing import Any

from optimum_benchmark.backends.base import Backend
from optimum_benchmark.backends.config import BackendConfig

from benchmarks.side_by_side.workload import load


@dataclass
class CallConfig(BackendConfig):  # type: ignore[misc] # untyped
    """``model`` is the case. The name decides which clock is read: CUDA events for PyTorch on a GPU."""

    name: str = "pytorch"
    version: str = ""
    _target_: str = "benchmarks.side_by_side.optimum_backend.CallBackend"


class CallBackend(Backend):  # type: ignore[misc] # untyped
    """Without a configuration or a processor of Hugging Face's hub."""

    NAME = "call"

    def __init__(self, config: CallConfig) -> None:
        self.config = config
        self.logger = getLogger(self.NAME)
        self.model_shapes: dict[str, int] = {}

    def load(self) -> None:
        self.call_of_case = load(self.config.model).start

    def forward(self, inputs: dict[str, Any], kwargs: dict[str, Any]) -> OrderedDict[str, Any]:
        return OrderedDict(outputs=self.call_of_case())
