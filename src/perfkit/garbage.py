"""Python's collector of cycles, at rest where it would be in the way."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FROZEN_BY_PYTHON = gc.get_freeze_count()
"""Some hundred objects, from the interpreter's start."""


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
    that a variant is freed. Garbage is collected first, or it would stay. Does nothing where somebody else has frozen
    objects, for thawing these is not for this to do.
    """
    if gc.get_freeze_count() > _FROZEN_BY_PYTHON:
        yield
        return
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
