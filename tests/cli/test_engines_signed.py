"""Engines of others by the command line: a key or a reviewed baseline vouches for them, else nothing is imported."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.record.baseline import Baseline, write_baseline
from perfkit.record.facts import BuildFacts
from tests.store.support import SECRET, key, new_store, put
from tests.support import GPU, make_run, write_run

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.store.entry import Entry

VARIABLE = "PERFKIT_ENGINE_KEY_FILE"


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    """An engine in the store of a project that the commands run in; there is no key."""
    monkeypatch.delenv("PERFKIT_CACHE", raising=False)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    return put(new_store(tmp_path / ".perfkit"), key())


def use_key(folder: Path, monkeypatch: pytest.MonkeyPatch, secret: bytes = SECRET) -> None:
    (folder / "engines.key").write_bytes(secret)
    monkeypatch.setenv(VARIABLE, "engines.key")


def review(entry: Entry, path: Path) -> None:
    """A baseline that was measured with the engine."""
    facts = BuildFacts(build_s=1, engine_manifest_sha256=entry.manifest_sha256)
    write_baseline(path, Baseline(str(path), GPU, (make_run(facts=facts).replicate,)))


def refused(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["engines", *arguments]) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert told in shown.err
    assert (shown.out, shown.err.count("\n")) == ("", 1)


def test_an_engine_without_a_signature_is_imported_only_where_a_baseline_names_it(
    built: Entry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["engines", "export", "some.tar"]) == ExitCode.PASS
    assert capsys.readouterr().out == "wrote some.tar: 1 engine, 5 bytes, not signed\n"
    into = ["import", "some.tar", "--cache", "other"]
    refused(
        into, "it isn't signed; export it with a key, or name a reviewed baseline that has it by --baseline", capsys
    )
    refused([*into, "--baseline", "auto"], "results/baselines has no baseline there", capsys)
    write_run(tmp_path, facts=BuildFacts(build_s=1, engine_manifest_sha256=built.manifest_sha256))
    refused([*into, "--baseline", "0001.json"], "0001.json: is no baseline that was reviewed", capsys)
    write_baseline(tmp_path / "results/baselines/a.json", Baseline("a", GPU, (make_run().replicate,)))
    refused([*into, "--baseline", "auto"], "it isn't signed", capsys)
    assert new_store(tmp_path / "other").entries() == []

    review(built, tmp_path / "results/baselines/b.json")
    assert main(["engines", *into, "--baseline", "auto"]) == ExitCode.PASS
    assert capsys.readouterr().out.endswith("  added\n")
    assert new_store(tmp_path / "other").find(key()) is not None


def test_a_baseline_of_the_base_branch_vouches_whatever_lies_in_the_folder(
    built: Entry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    baseline = tmp_path / "results/baselines/b.json"
    write_baseline(baseline, Baseline("b", GPU, (make_run().replicate,)))
    git("init", "-q", "-b", "main")
    git("add", "results")
    git("commit", "-q", "-m", "before")
    review(built, baseline)
    main(["engines", "export", "some.tar"])
    into = ["import", "some.tar", "--cache", "other", "--baseline", "git:main"]
    refused(into, "it isn't signed", capsys)
    git("commit", "-q", "-a", "-m", "reviewed")
    assert main(["engines", *into]) == ExitCode.PASS


@pytest.mark.usefixtures("built")
def test_engines_from_before_the_key_are_signed_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(["sign"], "PERFKIT_ENGINE_KEY_FILE names no file with a key; make one: openssl rand -hex 32", capsys)
    use_key(tmp_path, monkeypatch)
    refused(["export", "some.tar"], "isn't exported: it isn't signed", capsys)
    assert main(["engines", "verify"]) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert "sound, but not loaded: it isn't signed, and PERFKIT_ENGINE_KEY_FILE is set" in shown.out
    assert "nobody vouches for 1 of 1 engines" in shown.err
    refused(["sign", "vit_b_16/trt-fp16"], "no engine is named 'vit_b_16/trt-fp16'", capsys)
    assert main(["engines", "sign", "--json", "resnet50/trt-fp16"]) == ExitCode.PASS
    assert json.loads(capsys.readouterr().out) == [{"digest": key().digest, "what": "resnet50/trt-fp16"}]
    assert main(["engines", "verify"]) == ExitCode.PASS
    assert main(["engines", "export", "some.tar"]) == ExitCode.PASS
    assert capsys.readouterr().out.endswith(", signed\n")
    assert main(["engines", "import", "some.tar", "--cache", "other"]) == ExitCode.PASS


def test_a_damaged_engine_isnt_signed(
    built: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_key(tmp_path, monkeypatch)
    (built.folder / "engine.bin").write_bytes(b"12344")
    refused(["sign"], "is damaged: the checksum of engine.bin differs", capsys)
    assert not (built.folder / "signature.json").exists()


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("command", [["list"], ["verify"], ["sign"], ["export", "x.tar"], ["import", "x.tar"]])
def test_a_key_that_is_too_short_is_told_and_never_shown(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_key(tmp_path, monkeypatch, b"swordfish")
    refused(command, "PERFKIT_ENGINE_KEY_FILE: engines.key: a key has 32 to 4096 bytes", capsys)
    main(["engines", *command])
    assert "swordfish" not in capsys.readouterr().err


@pytest.mark.usefixtures("built")
def test_the_key_is_in_no_file_that_the_commands_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_key(tmp_path, monkeypatch)
    for command in (["sign"], ["export", "some.tar"], ["import", "some.tar", "--cache", "other"], ["list", "--json"]):
        assert main(["engines", *command]) == ExitCode.PASS
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "engines.key"]
    assert len(written) > 6
    assert not [path for path in written if SECRET in path.read_bytes()]
    assert SECRET.decode() not in capsys.readouterr().out
