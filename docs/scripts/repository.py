"""What of the repository isn't installed, for scripts that are started by their path."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def at_root() -> Iterator[None]:
    """Within it ``benchmarks`` and ``tests``, which are no packages, can be imported."""
    sys.path.insert(0, str(ROOT))
    try:
        yield
    finally:
        sys.path.remove(str(ROOT))
