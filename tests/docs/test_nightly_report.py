"""The nightly suite's report comes from its committed records."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "docs" / "scripts"


def test_the_report_is_of_the_committed_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    script = runpy.run_path(str(SCRIPTS / "nightly_report.py"))
    assert script["made"]("markdown") == script["MARKDOWN"].read_bytes()
    assert b"424cf6ee7bd5" in script["content"](script["HTML"])
