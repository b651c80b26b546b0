from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from perfkit.record.schema import CaseRecord, Outcome, Rounds, RunRecord, Status
from tests.support import CPU, GPU, benchmark_of, case, run_data

times = st.floats(min_value=1e-9, max_value=1e5, allow_nan=False)


@given(pairs=st.lists(st.tuples(times, times), min_size=1, max_size=20))
def test_rounds_survive_json(pairs: list[tuple[float, float]]) -> None:
    rounds = Rounds(
        order="RV" * (len(pairs) // 2) + "R" * (len(pairs) % 2),
        reference_wall_s=[pair[0] for pair in pairs],
        variant_wall_s=[pair[1] for pair in pairs],
    )
    assert Rounds.model_validate_json(rounds.model_dump_json()) == rounds


@given(model=st.text(), reason=st.text(), status=st.sampled_from(Status), suite=st.text())
def test_a_run_survives_json(model: str, reason: str, status: Status, suite: str) -> None:
    record = RunRecord(
        suite=suite,
        platform=GPU.platform,
        hardware=GPU,
        software={"torch": "2.11.0"},
        settings={"tf32": True, "threads": 2},
        outcomes=[Outcome(model=model, variant="", shape="", status=status, reason=reason)],
    )
    assert RunRecord.model_validate_json(record.model_dump_json()) == record


def test_a_case_survives_json() -> None:
    raw = benchmark_of(run_data(), case())["extra_info"]["perfkit"]
    record = CaseRecord.model_validate(raw)
    assert record.model_dump(mode="json") == raw


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"order": "RVR"}, "has 2 entries for 3 rounds"),
        ({"order": "RX"}, "pattern"),
        ({"variant_device_s": [1.0, 1.0]}, "device times need both"),
        ({"variant_wall_s": [1.0, 0.0]}, "greater than 0"),
        ({"variant_wall_s": [1.0, float("nan")]}, "finite"),
        ({"rounds": 2}, "not permitted"),
    ],
)
def test_rounds_that_are_none_are_refused(change: dict[str, object], message: str) -> None:
    sound = {"order": "RV", "reference_wall_s": [1.0, 1.0], "variant_wall_s": [1.0, 1.0]}
    Rounds.model_validate(sound)
    with pytest.raises(ValidationError, match=message):
        Rounds.model_validate(sound | change)


def test_a_cpu_has_no_device_clock() -> None:
    raw = benchmark_of(run_data(hardware=GPU), case())["extra_info"]["perfkit"]
    with pytest.raises(ValidationError, match="wall times only"):
        CaseRecord.model_validate(raw | {"platform": CPU.platform})
