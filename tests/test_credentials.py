"""Passwords and tokens that exceptions quote get neither into a record nor out of one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.cli import main
from perfkit.credentials import without_credentials
from perfkit.errors import reason_of
from perfkit.exit_codes import ExitCode
from perfkit.record.facts import BuildFacts
from perfkit.record.provenance import Change
from perfkit.record.schema import Outcome, Status
from perfkit.variants.building import BuildResult, noting
from tests.shards import cut
from tests.support import case, plain_data, run_data, write_run
from tests.variants.requests import BuiltNumber

SECRET = "hunter2hunter2hunter2"  # noqa: S105 - made up


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            f"can't reach https://ana:{SECRET}@models.example/w.pt?x=1",
            "can't reach https://***@models.example/w.pt?x=1",
        ),
        (f"postgresql+psycopg://ana:{SECRET}@db:5432/perfkit", "postgresql+psycopg://***@db:5432/perfkit"),
        (f"git+https://{SECRET}@git.example/a/b.git", "git+https://***@git.example/a/b.git"),
        (f"https://ana:p@ss{SECRET}@host/x", "https://***@host/x"),
        (f"GET /w.pt?token={SECRET}&part=2: 403", "GET /w.pt?token=***&part=2: 403"),
        (f"{{'hf_token': '{SECRET}', 'part': 2}}", "{'hf_token': '***', 'part': 2}"),
        (f"AWS_SECRET_ACCESS_KEY={SECRET} is no key", "AWS_SECRET_ACCESS_KEY=*** is no key"),
        (f"Authorization: Bearer {SECRET}", "Authorization: Bearer ***"),
        (f"sent bearer {SECRET}.x.y", "sent bearer ***"),
        (f"denied for ghp_{SECRET}", "denied for ***"),
        (f"denied for hf_{SECRET}, retry", "denied for ***, retry"),
        ("AKIAIOSFODNN7EXAMPLE was refused", "*** was refused"),
        (f"db?sslmode=verify-ca&sslpassword={SECRET}&x=1", "db?sslmode=verify-ca&sslpassword=***&x=1"),
        (f"PGPASSWORD={SECRET} psql", "PGPASSWORD=*** psql"),
    ],
)
def test_what_is_hidden(text: str, left: str) -> None:
    assert without_credentials(text) == left
    assert without_credentials(left) == left


@pytest.mark.parametrize(
    "text",
    [
        "its signature isn't of the key in PERFKIT_ENGINE_KEY_FILE",
        "mobilenet_v2@batch/openvino-int8/1x3x224x224 a@b.c",
        "basic operations, tokens: 5, https://pytorch.org/docs#x@y",
        "RuntimeError: 0.97 < 0.99: see benchmarks/test_latency.py::test[a]",
    ],
)
def test_what_is_left_alone(text: str) -> None:
    assert without_credentials(text) == text


@pytest.mark.parametrize("text", ["a", "a.", "a-", "token ", "@", "://", "a://a@", "bearer ", "authorization: a "])
def test_long_texts_are_looked_through_once(text: str) -> None:
    """From each of their characters anew, these would take hours."""
    hostile = text * 100_000
    assert len(without_credentials(hostile)) >= len(text)


@given(st.text())
def test_any_text_may_come_twice(text: str) -> None:
    once = without_credentials(text)
    assert without_credentials(once) == once


def test_no_free_text_of_a_record_holds_one() -> None:
    told = f"failed: https://ana:{SECRET}@host/x"
    facts = BuildFacts(build_s=1, notes=[told], calibration=told)
    noted = noting(BuildResult(BuiltNumber(1.0, BuildFacts(build_s=1)), None), told).built.facts
    outcome = Outcome(**case()._asdict(), status=Status.BROKEN, reason=told)
    change = Change(action="promote", datetime="", by="ana", reason=told, accepted=[told])
    for model in (facts, noted, outcome, change):
        assert SECRET not in model.model_dump_json()
        assert "https://***@host/x" in model.model_dump_json()
    assert SECRET not in reason_of(RuntimeError(told))


def test_an_older_record_tells_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome(**case("trt-int8")._asdict(), status=Status.BROKEN, reason="REASON")
    path = write_run(tmp_path, {case(): (4e-3, 1e-3)}, outcomes=(outcome,))
    path.write_text(path.read_text().replace("REASON", f"can't fetch https://ana:{SECRET}@host/x"))
    for form in ("terminal", "json", "markdown", "junit", "csv", "github-annotations"):
        assert main(["report", str(path), "--baseline", "none", "--format", form]) == ExitCode.PASS
        shown = capsys.readouterr().out
        assert "host/x" in shown
        assert SECRET not in shown


def test_no_error_of_the_command_line_shows_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"version": f"https://ana:{SECRET}@host"}))
    assert main(["compare", "none", str(tmp_path / "run.json")]) == ExitCode.USAGE
    shown = capsys.readouterr().err
    assert "https://***@host" in shown
    assert SECRET not in shown


@pytest.mark.parametrize("name", ["password", "sslpassword"])
@pytest.mark.parametrize("command", ["import", "merge", "history"])
def test_no_history_that_cant_be_reached_shows_one(
    command: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor where its password stands in the URL's query, as libpq takes it. Nobody listens at port 1."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERFKIT_HISTORY", f"postgresql+psycopg://u@127.0.0.1:1/db?{name}=a,{SECRET}")
    Path("theirs.json").write_text(json.dumps(plain_data({case(): 4e-3})))
    for folder, data in zip("ab", cut(run_data(), ["resnet50"], ["mobilenet_v2"]), strict=True):
        Path(folder).mkdir()
        Path(folder, "replicate-1.json").write_text(json.dumps(data))
    arguments = {
        "import": ["import", "theirs.json"],
        "merge": ["merge", "a", "b", "--output=night"],
        "history": ["history", "add", str(write_run(Path("whole")))],
    }
    main(arguments[command])
    shown = capsys.readouterr()
    assert f"127.0.0.1:1/db?{name}=***" in shown.err
    assert SECRET not in shown.out + shown.err


def test_a_history_that_is_named_shows_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERFKIT_HISTORY", f"sqlite:///file:history.sqlite?uri=true&password=a,{SECRET}")
    path = str(write_run(Path("night")))
    for form in ([], ["--json"]):
        assert main(["history", "add", path, *form]) == ExitCode.PASS
        shown = capsys.readouterr()
        assert "history.sqlite?" in shown.out
        assert SECRET not in shown.out + shown.err
