"""--anonymize, and perfkit anonymize: nothing of what was planted into every text of a record is in what comes out."""

from __future__ import annotations

import copy
import functools
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from perfkit.cli import main
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.record.anonymous import KEY_FILE
from perfkit.record.baseline import Baseline, read_baseline, write_baseline
from perfkit.record.provenance import Change
from perfkit.record.read import read_run, run_from_json
from perfkit.record.schema import Outcome, Status
from perfkit.report.exporter import Format
from tests.support import GPU, case, make_run, run_data, slowed, usual_times, write_run

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST, USER, FOLDER = "gpubox17", "mallory", "secretproject"
UUID = "4d9f1a52-0c1e-4b3f-9a77-0123456789ab"
MARKS = (HOST, USER, FOLDER, UUID, "corp.example", "swordfish")
NAMES = (
    *("model", "variant", "shape", "name", "weights", "weights_sha256", "images", "profile", "tf32"),
    *("id", "compute_capability", "datetime", "node"),
)
"""What decides which case it is, and what it may be compared with."""
PLANTED = (
    f" {HOST}.corp.example {USER}@corp.example /home/{USER}/{FOLDER}/run.py GPU-{UUID} {USER} "
    f"https://{USER}:swordfish@{HOST}/{FOLDER}/x"
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands run; the folder's own name is a secret too."""
    folder = tmp_path / FOLDER / "work"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("PERFKIT_CACHE", raising=False)
    monkeypatch.setenv("PERFKIT_HISTORY", "none")
    return folder


def texts(node: Any) -> Iterator[tuple[Any, Any]]:
    """Where each text of a JSON value stands."""
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        if isinstance(value, str):
            yield node, key
        elif isinstance(value, dict | list):
            yield from texts(value)


def planted(data: dict[str, Any], keep: tuple[str, ...] = ()) -> tuple[dict[str, Any], int]:
    """A run file with the marks in each text that may hold anything, and in how many; `keep` are keys left alone."""
    data = copy.deepcopy(data)
    expected = len(run_from_json(data, "x").replicate.samples)
    count = 0
    for node, key in texts(data):
        before = node[key]
        if key in keep:
            continue
        node[key] = before + PLANTED
        try:
            whole = len(run_from_json(data, "x").replicate.samples) == expected
        except UserError:
            whole = False
        if whole:
            count += 1
        else:
            node[key] = before
    return data, count


@functools.cache
def planted_run(keep: tuple[str, ...]) -> tuple[str, int]:
    """A run with rows of every kind as JSON, and in how many places it has the marks."""
    times = {identity: pair for identity, pair in usual_times().items() if identity.model == "resnet50"}
    outcomes = (Outcome(**case("trt-fp8")._asdict(), status=Status.BROKEN, reason="wrong"),)
    state = {"start_gpu_uuid": f"GPU-{UUID}", "start_cpu_mhz": 2100}
    data = run_data(slowed(times, case("trt-int8"), 1.4), day=9, outcomes=outcomes, machine_state=state, rounds=6)
    data["machine_info"]["node"] = f"{HOST}.corp.example"
    data, count = planted(data, keep)
    return json.dumps(data), count


def run_and_baseline(folder: Path, keep: tuple[str, ...] = ()) -> int:
    """run/mallory.json and baseline.json, both with the marks, and a waiver of mallory's; returns how many marks."""
    text, count = planted_run(keep)
    (folder / "run").mkdir()
    (folder / "run" / f"{USER}.json").write_text(text)
    times = {identity: pair for identity, pair in usual_times().items() if identity.model == "resnet50"}
    nights = [make_run(times, day=day, rounds=6) for day in (1, 2, 3)]
    change = Change(action="promote", datetime="2030-01-01", by=f"Mallory Moe <{USER}@corp.example>", reason=PLANTED)
    write_baseline(
        folder / "baseline.json",
        Baseline("b", GPU, tuple(night.replicate for night in nights), changes=(change,), reason=PLANTED),
    )
    (folder / "perfkit-waivers.toml").write_text(
        f'[[waiver]]\ncase = "*"\nmetric = "*"\nsize = "90%"\nowner = "{USER}"\n'
        f'reason = "as {USER} said"\nexpires = 2030-03-01\n'
    )
    return count


def shown(content: bytes, form: Format) -> str:
    text = content.decode("utf-8", "replace")
    if form is Format.PARQUET:  # compressed: what a reader of it sees
        table = pq.read_table(io.BytesIO(content))
        text += f"{table.to_pylist()} {table.schema.metadata}"
    return text.lower()


def report(form: Format, *options: str) -> str:
    arguments = ["report", str(Path.cwd() / "run"), "--baseline", "baseline.json", "--format", form]
    assert main([*arguments, "--output", "out", *options]) == ExitCode.PASS
    return shown(Path("out").read_bytes(), form)


@pytest.mark.parametrize("form", list(Format))
def test_no_format_shows_a_mark(project: Path, form: Format) -> None:
    assert run_and_baseline(project) > 80
    if form is Format.JSON:
        assert all(mark in report(form) for mark in MARKS if mark != "swordfish")
    told = report(form, "--anonymize")
    assert [mark for mark in MARKS if mark in told] == []
    assert "user-" in told


def test_what_a_terminal_shows_has_none_either(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_and_baseline(project, keep=NAMES)
    assert main(["report", "run", "--baseline", "baseline.json", "--anonymize", "-v"]) == ExitCode.PASS
    told = capsys.readouterr().out.lower()
    assert "waived by user-" in told
    assert [mark for mark in MARKS if mark in told] == []


@pytest.mark.parametrize("form", [Format.TERMINAL, Format.MARKDOWN, Format.HTML])
def test_the_whole_history_shows_none_either(project: Path, form: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    run_and_baseline(project, keep=("datetime",))
    monkeypatch.delenv("PERFKIT_HISTORY")
    assert main(["history", "add", "run"]) == ExitCode.PASS
    told = []
    for options in ([], ["--anonymize"]):
        assert main(["report", "--trend", "--format", form, "--output", "out", *options]) == ExitCode.PASS
        told.append(shown((project / "out").read_bytes(), form))
    # The history doesn't know what other machines are called, so that their names in texts are left.
    marks = (USER, FOLDER, UUID, "swordfish")
    assert all(mark in told[0] for mark in marks[:3])
    assert [mark for mark in marks if mark in told[1]] == []


def test_two_reports_of_one_machine_have_the_same_pseudonyms(project: Path) -> None:
    run_and_baseline(project)
    first, second = report(Format.JSON, "--anonymize"), report(Format.JSON, "--anonymize")
    assert first == second
    (project / ".perfkit" / KEY_FILE).unlink()
    assert report(Format.JSON, "--anonymize") != first


def test_copies_of_runs_have_no_mark_and_are_judged_alike(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_and_baseline(project, keep=NAMES) > 20
    (project / "perfkit-waivers.toml").unlink()
    assert main(["anonymize", "run", "--output", "public"]) == ExitCode.PASS
    (written,) = (project / "public" / "run").iterdir()
    assert capsys.readouterr().out == f"wrote {written.relative_to(project)}\n"
    assert written.name.startswith("user-")
    assert [mark for mark in MARKS if mark in written.read_text().lower()] == []
    before, after = read_run(project / "run" / f"{USER}.json"), read_run(written)
    assert after.replicate.run_id == before.replicate.run_id
    verdicts = []
    for run in ("run", str(written)):
        assert main(["compare", "baseline.json", run, "--json"]) == ExitCode.FAIL
        verdicts.append(
            [(row["model"], row["variant"], row["verdict"]) for row in json.loads(capsys.readouterr().out)["rows"]]
        )
    assert verdicts[0] == verdicts[1]
    assert json.loads(written.read_text())["machine_info"]["node"].startswith("host-")


def test_a_machine_that_is_called_like_thousands_has_a_pseudonym_in_its_copy(project: Path) -> None:
    data = run_data(rounds=6)
    data["machine_info"]["node"] = "ubuntu"
    (project / "1.json").write_text(json.dumps(data))
    assert main(["anonymize", "1.json", "--output", "public"]) == ExitCode.PASS
    assert json.loads((project / "public" / "1.json").read_text())["machine_info"]["node"].startswith("host-")


def test_a_copy_is_of_all_files_or_none_and_replaces_none(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_and_baseline(project, keep=NAMES)
    assert main(["anonymize", "run", "--output", "public", "--json"]) == ExitCode.PASS
    assert len(json.loads(capsys.readouterr().out)) == 1
    assert main(["anonymize", "run", "--output", "public"]) == ExitCode.USAGE
    assert "exists already" in capsys.readouterr().err
    run = f"run/{USER}.json"
    assert main(["anonymize", run, run, "--output", "twice"]) == ExitCode.USAGE
    (project / "run" / "z.json").write_text("{")
    assert main(["anonymize", "run", "--output", "other"]) == ExitCode.USAGE
    assert not (project / "other").exists()
    (project / "empty").mkdir()
    assert main(["anonymize", "empty", "--output", "other"]) == ExitCode.USAGE


def test_a_run_whose_cases_would_have_other_names_isnt_copied(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_and_baseline(project)
    assert main(["anonymize", "run", "--output", "public"]) == ExitCode.USAGE
    assert "its name, weights or settings name a user, a host or a folder" in capsys.readouterr().err
    assert not (project / "public").exists()


def test_a_promoted_baseline_has_no_mark(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "2")
    for number, (key, value) in enumerate([("user.name", "Mallory Moe"), ("user.email", f"{USER}@corp.example")]):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    for day in (1, 2):
        data, _ = planted(run_data(day=day, rounds=6), keep=NAMES)
        data["machine_info"]["node"] = HOST
        (project / f"{day}.json").write_text(json.dumps(data))
        arguments = ["promote", f"{day}.json", "--anonymize", "--reason", f"{USER} on {HOST}", "--force"]
        assert main(arguments) == ExitCode.PASS
    (file,) = (project / "results" / "baselines").iterdir()
    told = file.read_text().lower()
    assert [mark for mark in (*MARKS, "moe") if mark in told] == []
    baseline = read_baseline(file)
    first, second = (change.by for change in baseline.changes)
    assert first == second
    assert first.startswith("user-")
    assert baseline.replicates[0].run_id == read_run(project / "1.json").replicate.run_id


@pytest.mark.parametrize("command", [["anonymize", "1.json", "--output", "x"], ["promote", "1.json", "--anonymize"]])
def test_hardware_that_is_called_like_a_host_is_told(
    project: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    data = run_data(rounds=6, hardware=GPU.model_copy(update={"name": f"{HOST} GPU"}))
    data["machine_info"]["node"] = HOST
    (project / "1.json").write_text(json.dumps(data))
    assert main(command) == ExitCode.USAGE
    assert "is called like a user or a host" in capsys.readouterr().err


def test_a_baseline_that_would_compare_with_nothing_isnt_written(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = run_data(rounds=6, weights=f"of {USER}, /home/{USER}/w.pt")
    (project / "1.json").write_text(json.dumps(data))
    assert main(["promote", "1.json", "--anonymize"]) == ExitCode.USAGE
    assert "its name, weights or settings name a user, a host or a folder" in capsys.readouterr().err
    assert not list((project / "results" / "baselines").iterdir())


def test_where_a_copy_cannot_be_written_there_is_none(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        write_run(project / name)
    (project / "out").mkdir()
    (project / "out" / "b").write_text("in the way")
    assert main(["anonymize", "a", "b", "--output", "out"]) == ExitCode.USAGE
    assert "cannot be written" in capsys.readouterr().err
    assert [path.name for path in (project / "out").rglob("*") if path.is_file()] == ["b"]
