"""What variants are built from, and where their engines are kept, unless a file needs its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from torch import nn

from perfkit.store.engine_store import EngineStore
from tests.variants.requests import PLAIN, SMALL, request_for

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.variants.base import BuildRequest


@pytest.fixture
def request_(tmp_path: Path) -> BuildRequest:
    return request_for(nn.Flatten().eval(), SMALL, PLAIN, tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> EngineStore:
    return EngineStore(tmp_path / "cache", 2**30)
