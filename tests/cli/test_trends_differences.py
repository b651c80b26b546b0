"""Series without a ratio: what is measured in dB, and counts of which there may be none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.record.facts import BuildFacts
from tests.support import case, edit_records, write_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CASE = str(case("trt-int8"))


@pytest.fixture(autouse=True)
def _wide(history_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert history_url
    monkeypatch.setenv("COLUMNS", "200")


def nights(folder: Path, count: int, sqnr_db: Callable[[int], float], fallback_ops: Callable[[int], int]) -> None:
    for night in range(count):
        facts = BuildFacts(build_s=1, engines=1, layers=56, fallback_ops=fallback_ops(night))
        path = write_run(folder / "runs", {case("trt-int8"): (4e-3, 1e-3)}, day=1 + night, facts=facts)

        def edit(record: dict[str, Any], told: float = sqnr_db(night)) -> None:
            record["agreement"]["sqnr_db_min"] = told

        edit_records(path, edit)
    assert main(["history", "add", str(folder / "runs")]) == ExitCode.PASS


def trends_of(metric: str, capsys: pytest.CaptureFixture[str]) -> tuple[list[dict[str, Any]], str]:
    """As data and as the row of the table."""
    capsys.readouterr()
    assert main(["trends", "--metric", metric, "--json"]) == ExitCode.PASS
    found = json.loads(capsys.readouterr().out)["trends"]
    assert main(["trends", "--metric", metric]) == ExitCode.PASS
    return found, capsys.readouterr().out


def test_decibels_change_by_differences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nights(tmp_path, 20, lambda night: (6.0 if night < 10 else -6.0) + night % 3 / 100, lambda _: 0)
    (trend,), told = trends_of("sqnr_db", capsys)
    assert (trend["kind"], trend["date"], trend["worse"], trend["change_pct"]) == ("step", "2030-01-11", True, None)
    assert trend["level_before"] == pytest.approx(6.01, abs=0.02)
    assert trend["level_after"] == pytest.approx(-5.99, abs=0.02)
    assert "▼ step" in told
    assert "  6.01 -> -5.99  " in told


@pytest.mark.parametrize(("levels", "worse"), [((0, 5), True), ((5, 0), False)])
def test_a_count_of_none_is_no_ratio(
    levels: tuple[int, int], worse: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nights(tmp_path, 20, lambda _: 30.0, lambda night: levels[night >= 10])
    (trend,), told = trends_of("fallback_ops", capsys)
    assert (trend["worse"], trend["change_pct"]) == (worse, None)
    assert (trend["level_before"], trend["level_after"]) == levels
    assert f"  {levels[0]} -> {levels[1]}  " in told
    assert "%" not in told
    for form in ("terminal", "markdown", "html"):
        chosen = ["--trend", "--metric", "fallback_ops", "--format", form]
        assert main(["report", *chosen, "--output", str(tmp_path / form)]) == ExitCode.PASS
        assert f"{levels[0]} -" in (tmp_path / form).read_text()


def test_a_drift_of_decibels_has_both_its_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nights(tmp_path, 31, lambda night: 3.0 - 6.0 * night / 30, lambda night: 4 if night < 10 else 6)
    (trend,), told = trends_of("sqnr_db", capsys)
    assert (trend["kind"], trend["worse"], trend["change_pct"]) == ("drift", True, None)
    assert trend["level_before"] == pytest.approx(3, abs=0.3)
    assert trend["level_after"] == pytest.approx(-3, abs=0.3)
    assert " -> -" in told
    (trend,), told = trends_of("fallback_ops", capsys)
    assert trend["change_pct"] == pytest.approx(50), "of a count that was never none it is one"
    assert (trend["level_before"], trend["level_after"]) == (None, None)
    assert "+50.0%" in told
