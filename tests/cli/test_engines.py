from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from tests.store.support import SECRET, key, put, signed_store

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.store.engine_store import EngineStore


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineStore:
    """Two engines in the store of a project that the commands run in, signed with the user's key."""
    monkeypatch.delenv("PERFKIT_CACHE", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "engines.key").write_bytes(SECRET)
    monkeypatch.setenv("PERFKIT_ENGINE_KEY_FILE", "engines.key")
    made = signed_store(tmp_path / ".perfkit")
    put(made, key())
    put(made, key(model="resnet18"), b"x" * 5000)
    return made


def damage(store: EngineStore) -> None:
    entry = store.find(key())
    assert entry is not None
    (entry.folder / "engine.bin").write_bytes(b"12344")


@pytest.mark.usefixtures("store")
def test_list_tells_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engines", "list"]) == ExitCode.PASS
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "2 engines, 5.0 kB of 10.0 GB"
    (line,) = [line for line in lines if "resnet18/trt-fp16" in line]
    assert line.startswith(key(model="resnet18").digest[:12])
    assert "5.0 kB" in line
    assert "Made Up GPU" in line


def test_list_as_json_has_whole_keys(store: EngineStore, capsys: pytest.CaptureFixture[str]) -> None:
    (store.find(key()).folder / "manifest.json").write_text("{")  # type: ignore[union-attr]
    assert main(["engines", "list", "--json"]) == ExitCode.PASS
    sound, broken = json.loads(capsys.readouterr().out)
    assert sound["key"]["parts"] == key(model="resnet18").parts
    assert sound["facts"]["build_s"] == 98.5
    assert broken["digest"] == key().digest
    assert broken["damaged"].startswith("manifest.json: not whole JSON")


def test_an_empty_store_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in ("list", "verify", "prune"):
        assert main(["engines", command, "--cache", str(tmp_path / "none")]) == ExitCode.PASS
    assert capsys.readouterr().out == "0 engines, 0 bytes of 10.0 GB\n0 engines, all sound\n0 engines removed\n"
    assert main(["engines", "export", "file.tar"]) == ExitCode.USAGE
    assert "the store holds no engine" in capsys.readouterr().err


def test_verify_names_the_damaged(store: EngineStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engines", "verify"]) == ExitCode.PASS
    assert capsys.readouterr().out.endswith("2 engines, all sound\n")
    damage(store)
    assert main(["engines", "verify"]) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert "damaged (resnet50/trt-fp16): the checksum of engine.bin differs" in shown.out
    assert shown.err == "perfkit: 1 of 2 engines damaged; perfkit engines prune removes them\n"


def test_scripts_get_json(store: EngineStore, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*arguments: str, code: ExitCode = ExitCode.PASS) -> Any:
        assert main(["engines", *arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    names = [{"digest": each.digest, "what": each.what} for each in (key(model="resnet18"), key())]
    in_order = sorted(names, key=lambda name: name["digest"])
    exported = told("export", "some.tar")
    assert (exported["engines"], exported["signed"]) == (names, True)
    assert told("import", "some.tar", "--cache", "other") == {"added": in_order, "known": [], "kept": []}
    assert told("import", "some.tar", "--cache", "other") == {"added": [], "known": in_order, "kept": []}
    assert told("verify") == [{**name, "damaged": None, "distrusted": None} for name in names]
    damage(store)
    checked = told("verify", code=ExitCode.USAGE)
    assert [entry["damaged"] for entry in checked if entry["what"] == key().what] == [
        "the checksum of engine.bin differs"
    ]
    assert told("prune") == [{"digest": key().digest, "why": "damaged: the checksum of engine.bin differs"}]
    assert told("prune", "--max-gb", "0") == [{**names[0], "why": "least recently used"}]


def test_prune_removes_the_damaged_and_what_is_too_much(store: EngineStore, capsys: pytest.CaptureFixture[str]) -> None:
    damage(store)
    assert main(["engines", "prune"]) == ExitCode.PASS
    assert capsys.readouterr().out.splitlines() == [
        f"{key().digest[:12]}  removed: damaged: the checksum of engine.bin differs",
        "1 engine removed",
    ]
    assert main(["engines", "prune", "--max-gb", "0"]) == ExitCode.PASS
    assert "resnet18/trt-fp16" in capsys.readouterr().out
    assert store.entries() == []


def test_the_limit_comes_from_the_configuration(store: EngineStore, tmp_path: Path) -> None:
    store.find(key())  # used last
    (tmp_path / "perfkit.toml").write_text("[store]\nmax_gb = 0.000001\n")
    assert main(["engines", "prune"]) == ExitCode.PASS
    assert [digest for digest, _ in store.entries()] == [key().digest]
    (tmp_path / "perfkit.toml").write_text("[store]\nmax_gb = -1\n")
    assert main(["engines", "prune"]) == ExitCode.USAGE


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("names", "count"),
    [([], 2), (["resnet18/trt-fp16"], 1), ([key().digest[:12]], 1), ([key().digest, "resnet18/trt-fp16"], 2)],
)
def test_chosen_engines_go_into_a_file_and_into_another_store(
    names: list[str], count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["engines", "export", "some.tar", *names]) == ExitCode.PASS
    assert main(["engines", "import", "some.tar", "--cache", "other"]) == ExitCode.PASS
    assert capsys.readouterr().out.count("  added\n") == count
    assert main(["engines", "import", "some.tar", "--cache", "other"]) == ExitCode.PASS
    assert capsys.readouterr().out.count("  there already\n") == count


@pytest.mark.usefixtures("store")
def test_another_build_of_the_same_engine_stays_and_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It would be measured in the place of the one that was brought; what the store hasn't is added all the same."""
    there = signed_store(tmp_path / "other")
    before = put(there, key(), b"another build")
    assert main(["engines", "export", "some.tar"]) == ExitCode.PASS
    capsys.readouterr()
    assert main(["engines", "import", "some.tar", "--cache", "other"]) == ExitCode.USAGE
    shown = capsys.readouterr()
    (kept,) = [line for line in shown.out.splitlines() if key().digest[:12] in line]
    assert kept.endswith("  another build of this key is there and stays")
    assert shown.out.count("  added\n") == 1
    assert shown.err == (
        "perfkit: 1 of 2 engines not imported: the store has another build of each; to have these, remove its folder "
        "engines/DIGEST and import again\n"
    )
    found = there.find(key())
    assert found is not None
    assert found.manifest_sha256 == before.manifest_sha256
    assert main(["engines", "import", "some.tar", "--cache", "other", "--json"]) == ExitCode.USAGE
    told = json.loads(capsys.readouterr().out)
    assert [[one["what"] for one in told[name]] for name in ("added", "known", "kept")] == [
        [],
        ["resnet18/trt-fp16"],
        [key().what],
    ]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["export", "x.tar", "resnet152/trt-fp16"], "no engine is named 'resnet152/trt-fp16'"),
        (["export", "x.tar", "a"], "no engine is named 'a'"),
        (["import", "nothing.tar"], "nothing.tar: can't be read: No such file or directory"),
        (["polish"], "No such command 'polish'"),
        ([], "Missing command. (see perfkit engines --help)"),
        (["prune", "--max-gb", "-1"], "Invalid value for '--max-gb'"),
        (["prune", "--max-gb", "inf"], "--max-gb inf: not a size"),
        (["export", "."], "exists already; name a new file"),
    ],
)
def test_wrong_usage_is_a_line_and_code_4(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engines", *arguments]) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert told in shown.err
    assert shown.err.count("\n") == 1
