"""What a session's seconds are spent on."""

from __future__ import annotations

import pytest

from perfkit.measure import spent
from perfkit.measure.spent import Spent, Work


def test_seconds_are_counted_by_work_and_the_whole_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([10.0, 13.0, 20.0, 21.5, 30.0, 30.5, 40.0, 39.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(now))
    ages = iter([4.0, 60.0])
    monkeypatch.setattr(spent, "_age_s", lambda: next(ages))
    found = Spent()
    found.started()
    with found.on(Work.ROUNDS):
        pass
    with pytest.raises(ValueError, match="broken"), found.on(Work.BUILDING):
        raise ValueError("broken")
    with found.on(Work.ROUNDS):
        pass
    with found.on(Work.ROUNDS):  # a clock that is set back
        pass
    assert found.on_so_far_s(Work.ROUNDS) == 3.5
    assert found.so_far_s() == {"whole": 60.0, "starting": 4.0, "building": 1.5, "rounds": 3.5}
