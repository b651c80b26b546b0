from __future__ import annotations

from pathlib import Path

import pytest

from perfkit.history import keep as keeping
from perfkit.history.database import open_existing_history, open_history
from perfkit.history.keep import keep
from perfkit.history.series import find_series, histories_of, runs_since
from perfkit.judge.compare import judge
from perfkit.record.baseline import Baseline
from tests.support import GPU, case, make_run, slowed, usual_times

NOWHERE = Path("nowhere")
HURT = case("trt-int8")


def verdicts(which: str) -> list[str | None]:
    with open_existing_history(NOWHERE) as history, history.reading() as connection:
        (through,) = histories_of(connection, find_series(connection, which, None), runs_since(connection, None))
    return [point.verdict for point in through.points]


@pytest.mark.usefixtures("history_url")
def test_verdicts_are_kept_with_every_replicate_that_has_the_case() -> None:
    baseline = Baseline("base", GPU, tuple(make_run(day=day).replicate for day in (1, 2, 3)))
    hurt = slowed(usual_times(), HURT, 1.3)
    runs = [make_run(hurt, day=7), make_run(hurt, day=8), make_run({HURT: hurt[HURT]}, day=9)]
    judgement = judge(baseline, runs)
    assert keep(runs, judgement, NOWHERE) is None
    assert keep(runs, judgement, NOWHERE) is None
    assert verdicts(str(HURT)) == ["REGRESSED"] * 3
    assert verdicts(str(case("trt-fp16"))) == ["PASS"] * 2


@pytest.mark.usefixtures("history_url")
def test_without_a_judgement_there_are_no_verdicts_and_faults_are_no_history() -> None:
    runs = [make_run(day=1), make_run(day=2, injected="a fault")]
    assert keep(runs, judge(None, runs[:1]), NOWHERE) is None
    assert verdicts(str(HURT)) == [None]


def test_whatever_goes_wrong_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PERFKIT_HISTORY", raising=False)
    run = make_run()
    undated = run.model_copy(update={"replicate": run.replicate.model_copy(update={"datetime": "yesterday"})})
    told = keep([undated], None, tmp_path)
    assert told is not None
    line = "not added to the history: made-up.json: 'yesterday' is no date, so it has no place in a history"
    assert told == line, "nor will it ever have"

    def fails(*_: object) -> None:
        raise ZeroDivisionError("a fault\nof ours")

    monkeypatch.setattr(keeping, "_add", fails)
    assert keep([run], None, tmp_path) == "not added to the history: a fault of ours; perfkit history add does it later"
    both = keep([undated, run], None, tmp_path)
    assert both == f"{line}; a fault of ours; perfkit history add does it later"


def test_switched_off_nothing_is_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PERFKIT_HISTORY", "none")
    assert keep([make_run()], None, tmp_path) is None
    assert not list(tmp_path.iterdir())
    with pytest.raises(Exception, match="switched off"):
        open_history(tmp_path)
