from __future__ import annotations

import gc
import weakref

import pytest

from perfkit.garbage import only_new_collected, uncollected


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_rests_and_is_left_as_it_was(enabled: bool) -> None:
    was = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        with uncollected():
            assert not gc.isenabled()
        assert gc.isenabled() is enabled
        with pytest.raises(ZeroDivisionError), uncollected():
            raise ZeroDivisionError
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()


class Loop:
    """Something that only the collector frees."""

    def __init__(self) -> None:
        self.itself = self


def test_inside_only_what_is_new_is_collected_and_afterwards_everything() -> None:
    was = gc.isenabled()
    gc.disable()  # or it collects by itself in between
    try:
        before = weakref.ref(Loop())
        with only_new_collected():
            inside = weakref.ref(Loop())
            gc.collect()
            assert inside() is None
            assert before() is not None
        with pytest.raises(ZeroDivisionError), only_new_collected():
            raise ZeroDivisionError
        gc.collect()
        assert before() is None
    finally:
        (gc.enable if was else gc.disable)()
