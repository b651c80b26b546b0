from __future__ import annotations

import pytest

from perfkit.report.spent import spent_line


@pytest.mark.parametrize(
    ("spent_s", "line"),
    [
        (
            {"whole": 200.0, "starting": 10.2, "building": 57.0, "answers": 20.0, "rounds": 87.2},
            "61% of 143 s in rounds (else 26 s, answers 20 s, starting 10 s); builds aside: 57 s",
        ),
        ({"whole": 100.0, "rounds": 70.0, "warming": 30.0}, "70% of 100 s in rounds (warming 30 s, else 0 s)"),
        ({"whole": 100.0, "starting": 20.0}, None),  # nothing was measured
        ({}, None),
    ],
)
def test_the_share_of_the_rounds_and_what_else_there_was(spent_s: dict[str, float], line: str | None) -> None:
    assert spent_line(spent_s) == line
