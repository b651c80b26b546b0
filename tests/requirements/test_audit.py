"""The audit of the locks with a made-up pip-audit: found, accepted, expired, and a service that nobody reaches."""

from __future__ import annotations

import datetime as dt
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.requirements.scripts import FOLDER, load, put_in_place, says

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

TODAY = dt.datetime.now(dt.UTC).date()
CLEAN = {"name": "torch", "version": "2.11.0", "vulns": []}
UNKNOWN = {"name": "torch", "skip_reason": "Dependency not found on PyPI and could not be audited: torch (2.11.0)"}
FOUND = {
    "name": "jinja2",
    "version": "3.1.0",
    "vulns": [{"id": "PYSEC-2030-1", "aliases": ["CVE-2030-1"], "fix_versions": ["3.1.9"], "description": "..."}],
}


class AtStart(dt.datetime):
    """A session that goes on past midnight has one day."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> AtStart:
        return cls(TODAY.year, TODAY.month, TODAY.day, tzinfo=tz)


@pytest.fixture
def audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with a pip_audit that says what it is told to, and nothing accepted."""
    module = load("audit", monkeypatch)
    put_in_place("pip_audit", tmp_path, monkeypatch)
    monkeypatch.setattr(module, "dt", SimpleNamespace(**{**vars(dt), "datetime": AtStart}))
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    monkeypatch.setattr(module, "LOCKS", ("tox.txt", "dev.txt"))
    accept(tmp_path)
    return module


def finds(monkeypatch: pytest.MonkeyPatch, *packages: dict[str, Any], error: str = "", code: int = 0) -> None:
    says(monkeypatch, "" if error else json.dumps({"dependencies": packages, "fixes": []}), error, code)


def accept(folder: Path, **changed: object) -> None:
    entry: dict[str, object] = {"package": "jinja2", "id": "CVE-2030-1", "reason": "no template of others", **changed}
    lines = [f"{key} = {value if isinstance(value, dt.date) else json.dumps(value)}" for key, value in entry.items()]
    text = "\n".join(["[[accepted]]", *lines]) if changed else ""
    (folder / "accepted-vulnerabilities.toml").write_text(text)


def test_nothing_is_known(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finds(monkeypatch, CLEAN)
    assert audit.main(["--must-reach"]) == 0
    assert capsys.readouterr().out == "tox.txt: 1 packages looked up\ndev.txt: 1 packages looked up\n"


@pytest.mark.parametrize("arguments", [[], ["--must-reach"]])
def test_a_vulnerability_fails_and_is_named(
    audit: ModuleType, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finds(monkeypatch, CLEAN, FOUND, code=1)
    assert audit.main(arguments) == 1
    assert "audit: jinja2 3.1.0: PYSEC-2030-1 CVE-2030-1, mended by 3.1.9\n" in capsys.readouterr().err


def test_one_that_is_accepted_is_told_and_fails_again_when_that_ends(
    audit: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finds(monkeypatch, CLEAN, FOUND, code=1)
    accept(tmp_path, expires=TODAY)
    assert audit.main([]) == 0
    assert f"accepted until {TODAY}: no template of others" in capsys.readouterr().out
    yesterday = TODAY - dt.timedelta(days=1)
    accept(tmp_path, expires=yesterday)
    assert audit.main([]) == 1
    assert f"its acceptance ended on {yesterday}" in capsys.readouterr().err
    accept(tmp_path, expires=TODAY, package="torch")
    assert audit.main([]) == 1
    accept(tmp_path, expires=TODAY, id="CVE-2030-2")
    assert audit.main([]) == 1


@pytest.mark.parametrize(
    ("packages", "error"),
    [
        ([UNKNOWN], ""),  # what pip-audit says behind a mirror of an index; it ends with 0 itself
        ([], "Traceback ...\nrequests.exceptions.ConnectionError: HTTPSConnectionPool: Failed to resolve\n"),
        ([], "Traceback ...\nrequests.exceptions.ProxyError: Unable to connect to proxy\n"),
        ([], "pip_audit._service.interface.ConnectionError: Could not connect to the vulnerability feed\n"),
    ],
)
def test_a_service_that_cant_be_asked_is_said_plainly_and_fails_where_it_must_be_reached(
    audit: ModuleType,
    packages: list[dict[str, Any]],
    error: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    finds(monkeypatch, *packages, error=error, code=1 if error else 0)
    assert audit.main([]) == 0
    assert capsys.readouterr().out.startswith(
        "NOT AUDITED: the service of known vulnerabilities can't be asked from here"
    )
    assert audit.main(["--must-reach"]) == 1


def test_what_was_found_before_the_service_went_away_still_fails(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(lock: Path) -> list[dict[str, Any]]:
        if lock.name == "dev.txt":
            raise audit.Unreachable("gone")
        return [FOUND]

    monkeypatch.setattr(audit, "ask", ask)
    assert audit.main([]) == 1


def test_a_package_that_wasnt_looked_up_is_named(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finds(monkeypatch, {**CLEAN, "name": "numpy"}, UNKNOWN)
    assert audit.main([]) == 0
    assert "tox.txt: 1 packages looked up, not looked up: torch" in capsys.readouterr().out
    assert audit.main(["--must-reach"]) == 1


def test_another_failure_of_pip_audit_is_no_missing_service(audit: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    finds(monkeypatch, error="usage: pip-audit\npip-audit: error: unrecognized arguments: --requirement\n", code=2)
    with pytest.raises(Exception, match="returned non-zero exit status 2"):
        audit.main([])


@pytest.mark.parametrize(
    "changed",
    [
        {"expires": "2030-01-01"},
        {"expires": TODAY, "reason": " "},
        {"expires": TODAY, "why": "x"},
        {"expires": TODAY + dt.timedelta(days=181)},
    ],
)
def test_an_acceptance_needs_a_reason_and_an_end(
    audit: ModuleType, tmp_path: Path, changed: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    finds(monkeypatch, CLEAN)
    accept(tmp_path, **changed)
    assert audit.main([]) == 4
    (tmp_path / "accepted-vulnerabilities.toml").unlink()
    assert audit.main([]) == 4


def test_the_projects_own_file_can_be_read(audit: ModuleType) -> None:
    audit.read_accepted((FOLDER / "accepted-vulnerabilities.toml"), TODAY)


def test_every_locked_package_is_audited(monkeypatch: pytest.MonkeyPatch) -> None:
    locks = {path.name for path in FOLDER.glob("*.txt")} - {"constraints.txt"}
    pins = {name: set(pinned(name)) for name in locks}
    assert set().union(*pins.values()) == set().union(*(pins[name] for name in load("audit", monkeypatch).LOCKS))


def pinned(name: str) -> list[str]:
    lines = (FOLDER / name).read_text("utf-8").splitlines()
    return [line.split(";")[0].strip(" \\") for line in lines if "==" in line and line[0].isalnum()]
