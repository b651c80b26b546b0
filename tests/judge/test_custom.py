"""Custom metrics: judged by their own tolerance, both ways, and told in every report."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.promotion import promotion_of
from perfkit.judge.verdict import Judgement, Verdict
from perfkit.record.baseline import Baseline
from perfkit.record.facts import Better
from perfkit.record.read import run_from_json
from tests.judge.helpers import HURT, baseline_of, row_of
from tests.support import benchmark_of, edit_records, run_data, slowed, usual_times, write_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfkit.record.replicate import Run
    from tests.support import Times

NAME = "energy"


def reading(value: float | None, **changed: Any) -> dict[str, Any]:
    metric = {"value": value, "unit": "J/img", "better": "lower", "tolerance": 0.1}
    return {**metric, "reason": "" if value is not None else "no counter here", **changed}


def run_with(metric: dict[str, Any] | None, *, day: int, times: Times | None = None) -> Run:
    data = run_data(times, day=day)
    if metric is not None:
        benchmark_of(data, HURT)["extra_info"]["perfkit"]["custom_metrics"] = {NAME: metric}
    return run_from_json(data, "made-up.json")


def judged(
    before: Sequence[dict[str, Any] | None], after: Sequence[dict[str, Any] | None], times: Times | None = None
) -> Judgement:
    baseline = baseline_of(*(run_with(metric, day=day) for day, metric in enumerate(before, 1)))
    return judge(baseline, [run_with(metric, day=day, times=times) for day, metric in enumerate(after, 11)])


@pytest.mark.parametrize(
    ("better", "factor", "verdict"),
    [
        (Better.LOWER, 1.2, Verdict.REGRESSED),
        (Better.LOWER, 0.8, Verdict.IMPROVED),
        (Better.HIGHER, 0.8, Verdict.REGRESSED),
        (Better.HIGHER, 1.2, Verdict.IMPROVED),
        (Better.LOWER, 1.09, Verdict.PASS),
        (Better.HIGHER, 0.91, Verdict.PASS),
    ],
)
def test_a_loss_fails_the_case_and_a_gain_is_told(better: Better, factor: float, verdict: Verdict) -> None:
    judgement = judged(
        [reading(value, better=better) for value in (2.0, 2.01, 1.99)], [reading(2 * factor, better=better)]
    )
    row = row_of(judgement)
    (metric,) = row.custom_metrics
    assert metric.verdict is verdict
    assert metric.change_pct == pytest.approx(100 * (factor - 1))
    assert (metric.baseline_replicates, metric.current_replicates) == (3, 1)
    lost = verdict is Verdict.REGRESSED
    assert row.verdict is (Verdict.REGRESSED if lost else Verdict.PASS)
    assert judgement.exit_code is (ExitCode.FAIL if lost else ExitCode.PASS)
    told = f"{NAME} 2 -> {2 * factor:.4g} J/img ({100 * (factor - 1):+.1f}%, 10% is tolerated)"
    assert row.reason == (told if lost else "")
    assert (told in row.notes) is (verdict is Verdict.IMPROVED)


def test_the_metric_has_a_tolerance_of_its_own() -> None:
    assert row_of(judged([reading(2.0, tolerance=0.5)] * 3, [reading(2.8, tolerance=0.5)])).verdict is Verdict.PASS
    loosened = row_of(judged([reading(2.0)] * 3, [reading(2.8, tolerance=0.5)]))
    assert loosened.verdict is Verdict.PASS
    assert f"the tolerance of {NAME} was 10% and is 50%" in loosened.notes


def test_replicates_that_overlap_prove_nothing() -> None:
    row = row_of(judged([reading(2.0), reading(2.0), reading(3.0)], [reading(2.5)]))
    assert row.verdict is Verdict.INCONCLUSIVE
    assert row.reason.endswith("but replicates of both sides overlap")


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (None, "no energy: the suite no longer asks for it"),
        (reading(None), "no energy: no counter here"),
        (reading(2.0, unit="J"), "energy has another unit or direction than the baseline's"),
        (reading(2.0, better="higher"), "energy has another unit or direction than the baseline's"),
    ],
)
def test_a_metric_that_can_no_longer_be_judged_keeps_its_case_from_passing(
    after: dict[str, Any] | None, why: str
) -> None:
    row = row_of(judged([reading(2.0)] * 3, [after]))
    assert (row.verdict, row.reason) == (Verdict.INCONCLUSIVE, why)


def test_a_metric_that_the_baseline_does_not_know_is_shown_and_not_judged() -> None:
    row = row_of(judged([None] * 3, [reading(2.0)]))
    assert row.verdict is Verdict.PASS
    assert [(m.current, m.baseline, m.verdict) for m in row.custom_metrics] == [(2.0, None, None)]
    nowhere = row_of(judged([reading(None)] * 3, [reading(None)]))
    assert nowhere.verdict is Verdict.PASS
    assert "no energy: no counter here" in nowhere.notes


def test_what_the_newest_baseline_replicate_has_given_up_is_not_asked_for_any_more() -> None:
    given_up = row_of(judged([reading(2.0), reading(2.0), None], [None]))
    assert (given_up.verdict, given_up.custom_metrics) == (Verdict.PASS, ())


@pytest.mark.parametrize("changed", [{"unit": "mJ/img"}, {"better": "higher"}])
def test_another_unit_is_judged_by_what_was_promoted_since(changed: dict[str, Any]) -> None:
    before = [reading(2.0), reading(2000.0, **changed), reading(2000.0, **changed)]
    row = row_of(judged(before, [reading(2000.0, **changed)]))
    (metric,) = row.custom_metrics
    assert (row.verdict, metric.verdict, metric.baseline_replicates) == (Verdict.PASS, Verdict.PASS, 2)
    worse = 4000.0 if "unit" in changed else 1000.0
    assert row_of(judged(before, [reading(worse, **changed)])).verdict is Verdict.REGRESSED


def test_a_slower_case_and_a_lost_metric_are_both_told() -> None:
    row = row_of(judged([reading(2.0)] * 3, [reading(4.0)], slowed(usual_times(), HURT, 1.5)))
    assert row.verdict is Verdict.REGRESSED
    assert "its time +5" in row.reason
    assert row.reason.endswith("; energy 2 -> 4 J/img (+100.0%, 10% is tolerated)")


def test_baseline_files_keep_them_and_every_report_shows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    def put(value: float) -> Any:
        return lambda record: record.update(custom_metrics={NAME: reading(value)})

    before = [str(edit_records(write_run(Path("a"), day=day), put(2.0), HURT)) for day in (1, 2, 3)]
    after = str(edit_records(write_run(Path("b"), day=9), put(3.0), HURT))
    assert main(["promote", *before, "--reason", "the first"]) == ExitCode.PASS
    (stored,) = Path("results/baselines").glob("*.json")
    assert stored.read_text("utf-8").count('"J/img"') == 3
    capsys.readouterr()
    assert main(["compare", "auto", after]) == ExitCode.FAIL
    assert f"{NAME} 2 -> 3 J/img (+50.0%, 10% is" in " ".join(capsys.readouterr().out.split())

    def shown(form: str) -> str:
        assert main(["report", after, "--format", form]) == ExitCode.PASS
        return capsys.readouterr().out

    (told,) = [row for row in json.loads(shown("json"))["rows"] if row["custom_metrics"]]
    assert told["custom_metrics"][0]["verdict"] == "REGRESSED"
    lines = [line for line in csv.DictReader(io.StringIO(shown("csv"))) if line["metric"] == NAME]
    assert [(line["unit"], line["baseline"], line["current"]) for line in lines] == [("J/img", "2.0", "3.0")]
    assert f"{NAME} 2 -&#62; 3 J/img" in shown("markdown")
    assert f"{NAME} 2 -" in shown("junit")
    assert main(["report", after, "-v"]) == ExitCode.PASS
    assert f"{NAME} 2 → 3 J/img (+50.0%), lower is better, 10% is tolerated, replicates 3 → 1, REGRESSED" in " ".join(
        capsys.readouterr().out.split()
    )


def test_no_waiver_covers_a_custom_metric(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    before = write_run(Path("a"), day=1)
    edit_records(before, lambda record: record.update(custom_metrics={NAME: reading(2.0)}), HURT)
    after = write_run(Path("b"), day=9)
    edit_records(after, lambda record: record.update(custom_metrics={NAME: reading(3.0)}), HURT)
    Path("perfkit-waivers.toml").write_text(
        f'[[waiver]]\ncase = "{HURT}"\nmetric = "*"\nsize = "90%"\nowner = "A"\nreason = "b"\nexpires = 2031-01-01\n'
    )
    main(["compare", str(before), str(after), "--format", "json"])
    row = json.loads(capsys.readouterr().out)
    assert "not waived: a waiver covers times and speedups, not energy 2 -> 3" in json.dumps(row)


def test_an_accepted_loss_of_a_users_metric_starts_its_replicates_anew() -> None:
    """Or the next night, which is as bad, would be held to a mixture of before and after."""
    baseline = baseline_of(*(run_with(reading(1.0 + day / 1000), day=day) for day in (1, 2, 3)))
    night = run_with(reading(2.0), day=11)
    promotion = promotion_of(baseline, [night], judge(baseline, [night]), "accepted", force=True)
    assert HURT in promotion.started_anew
    after = Baseline("after", baseline.hardware, promotion.replicates, anchors=promotion.anchors)
    assert row_of(judge(after, [run_with(reading(2.001), day=12)])).verdict is Verdict.PASS
