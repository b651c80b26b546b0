"""Faults as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.catalog.case import CaseId
from perfkit.catalog.fault import Fault, FaultKind, parse_fault
from perfkit.errors import UserError

CASE = CaseId("resnet18", "trt-fp16-graph", "1x3x224x224")
sized = st.builds(
    Fault,
    st.just(CASE),
    st.sampled_from([FaultKind.SLOW, FaultKind.HOST]),
    st.integers(1, 5000).map(lambda n: n / 1000),
)
unsized = st.builds(
    Fault, st.just(CASE), st.sampled_from([kind for kind in FaultKind if kind not in (FaultKind.SLOW, FaultKind.HOST)])
)


@given(sized | unsized)
def test_a_fault_is_read_as_it_is_written(fault: Fault) -> None:
    read = parse_fault(str(fault))
    assert (read.case, read.kind) == (fault.case, fault.kind)
    assert read.share == pytest.approx(fault.share)


@pytest.mark.parametrize(
    "fault",
    ["10%", "slow", "slow:10", "slow:-10%", "wrong:10%", "vanish ", "lost-graph:1%", "else", f"slow:{'9' * 400}%"],
)
def test_anything_else_is_refused(fault: str) -> None:
    with pytest.raises(UserError, match="expected MODEL/VARIANT/SHAPE=FAULT"):
        parse_fault(f"{CASE}={fault}")
