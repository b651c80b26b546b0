from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import pytest

from perfkit.garbage import only_new_collected, uncollected

if TYPE_CHECKING:
    from collections.abc import Iterator


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


@pytest.fixture
def manual() -> Iterator[None]:
    """The collector doesn't begin by itself, and nothing is frozen."""
    was = gc.isenabled()
    gc.disable()
    yield
    gc.unfreeze()
    (gc.enable if was else gc.disable)()


@pytest.mark.usefixtures("manual")
def test_inside_only_what_is_new_is_collected_and_afterwards_everything() -> None:
    kept = Loop()
    before = weakref.ref(kept)
    garbage = weakref.ref(Loop())
    with only_new_collected():
        assert garbage() is None
        del kept
        inside = weakref.ref(Loop())
        gc.collect()
        assert inside() is None
        assert before() is not None
    with pytest.raises(ZeroDivisionError), only_new_collected():
        raise ZeroDivisionError
    gc.collect()
    assert before() is None


@pytest.mark.usefixtures("manual")
def test_what_somebody_else_has_frozen_stays_so_and_nothing_is_frozen_besides() -> None:
    # By what the collector still finds, not by get_freeze_count(): frozen objects die too, whenever their last
    # reference goes, in whatever thread.
    kept = Loop()
    before = weakref.ref(kept)
    gc.freeze()
    new = Loop()
    since = weakref.ref(new)
    with only_new_collected():
        del kept, new
        gc.collect()
        assert since() is None
        assert before() is not None
    gc.collect()
    assert before() is not None
