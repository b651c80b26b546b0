"""Python's collector of cycles, at rest where it would be in the way."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def uncollected() -> Iterator[None]:
    """Nothing is collected inside, nor before: that takes a while in a process with many objects."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def only_new_collected() -> Iterator[None]:
    """What lives already is left alone inside: collecting is quick, whatever was imported before.

    PyTorch and its compilers bring several hundred thousand objects, which the collector would go through each time
    that a variant is freed.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
