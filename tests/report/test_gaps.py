from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perfkit.cli import main
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.record.schema import Outcome, Status
from perfkit.report.gaps import read_what_is_there
from tests.support import case, write_run


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def replicate(number: int, **options: Any) -> Path:
    path = write_run(Path("run"), day=number, **options)
    return path.rename(path.with_name(f"replicate-{number}.json"))


def test_a_whole_run_has_no_gap() -> None:
    replicate(1)
    replicate(2)
    runs, gaps = read_what_is_there([Path("run")])
    assert len(runs) == 2
    assert gaps == []


def test_every_gap_has_a_line() -> None:
    replicate(1)
    planned = Outcome(**case("openvino-fp32")._asdict(), status=Status.NOT_RUN, reason="the run ended before it")
    replicate(4, outcomes=(planned,))
    Path("run/repeat-1.json").write_text("{", encoding="utf-8")
    Path("run/replicate-3.unreadable").touch()
    runs, gaps = read_what_is_there([Path("run")])
    assert len(runs) == 2
    assert [gap.partition(":")[0] for gap in gaps[:3]] == [
        "can't be read",
        "a replicate is lost",
        "a replicate is lost",
    ]
    assert "run/repeat-1.json: not whole JSON" in gaps[0]
    assert gaps[1] == "a replicate is lost: run/replicate-3.unreadable"
    assert gaps[2] == "a replicate is lost: run has no replicate-2.json, replicate-3.json"
    assert gaps[3] == "run/replicate-4.json ended early: 1 of its 13 cases have no times (the run ended before it)"


def test_what_somebody_left_out_is_no_gap() -> None:
    left_out = Outcome(**case("openvino-fp32")._asdict(), status=Status.NOT_RUN, reason="deselected")
    replicate(1, outcomes=(left_out,))
    assert read_what_is_there([Path("run")])[1] == []


def test_nothing_to_show_is_an_error() -> None:
    Path("empty").mkdir()
    with pytest.raises(UserError, match="hold no run"):
        read_what_is_there([Path("empty")])
    with pytest.raises(UserError, match=r"nowhere: there is no such file"):
        read_what_is_there([Path("nowhere")])
    Path("cut.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match=r"can't be read: cut\.json: not whole JSON"):
        read_what_is_there([Path("cut.json")])


def test_a_damaged_run_still_has_a_report_that_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Shown by every format that has room for a sentence; compare, the gate, refuses the same folder."""
    replicate(1)
    Path("run/replicate-2.json").write_text("{", encoding="utf-8")
    for form in ("terminal", "markdown", "html", "json", "junit"):
        assert main(["report", "run", "--format", form]) == ExitCode.PASS
        told = capsys.readouterr()
        assert "run/replicate-2.json: not whole JSON" in told.out
        assert "incomplete" in told.out
        assert "replicate-2.json" in told.err
    assert main(["compare", "run/replicate-1.json", "run"]) == ExitCode.USAGE
