from __future__ import annotations

import json
import math
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from perfkit.errors import UserError
from perfkit.record.anchor import anchor_of
from perfkit.record.baseline import (
    Baseline,
    baseline_path,
    load_baseline,
    read_baseline,
    reviewed_baselines,
    write_baseline,
)
from perfkit.record.baseline_file import BaselineFile, baseline_json
from perfkit.record.hardware import file_key
from perfkit.record.provenance import Change, sources
from perfkit.record.shard_weights import reviewed_replicates
from perfkit.record.write import write_json_atomic
from perfkit.untrusted import MAX_BYTES
from tests.support import CPU, GPU, make_run, write_run

if TYPE_CHECKING:
    from perfkit.record.schema import Hardware

GOLDEN = Path(__file__).parent / "golden"


def promoted(results: Path, *, hardware: Hardware = GPU, reason: str = "first") -> Path:
    path = results / "baselines" / f"{file_key(hardware)}.json"
    replicates = [make_run(day=day, hardware=hardware).replicate for day in (2, 1)]
    write_json_atomic(path, baseline_json(hardware, replicates, reason))
    return path


def load(spec: str, results: Path, hardware: Hardware = GPU) -> Baseline | None:
    return load_baseline(spec, hardware=hardware, results=results)


def test_a_baseline_survives_its_file(tmp_path: Path) -> None:
    path = promoted(tmp_path)
    baseline = read_baseline(path)
    assert baseline.hardware == GPU
    assert baseline.reason == "first"
    text = path.read_text()
    assert json.loads(text) == baseline_json(GPU, baseline.replicates, "first")
    original = make_run(day=1).replicate
    read_back = baseline.replicates[0]
    assert read_back.run_id == original.run_id
    for before, after in zip(original.samples, read_back.samples, strict=True):
        assert after.wall.variant_s == pytest.approx(before.wall.variant_s, rel=5e-6)
        assert after.facts == before.facts
        assert after.comparability == before.comparability


def test_a_baseline_file_reads_well_in_a_diff() -> None:
    one = make_run(day=1).replicate
    two = make_run(day=2).replicate
    data = baseline_json(GPU, [two, one], "why")
    assert data == baseline_json(GPU, [one, two], "why")
    assert [replicate["datetime"][:10] for replicate in data["replicates"]] == [
        "2030-01-01",
        "2030-01-02",
    ]
    cases = [tuple(sample.values())[:3] for sample in data["replicates"][0]["samples"]]
    assert cases == sorted(cases)
    for sample in data["replicates"][0]["samples"]:
        assert re.fullmatch(r"0\.0*[1-9]\d{,5}", repr(sample["wall"]["variant_s"]))
    BaselineFile.model_validate(data)


def test_objects_with_keys_of_their_own_are_sorted() -> None:
    """Two runs may tell the same software in two orders; a diff must not."""
    run = make_run(day=1).replicate
    turned = run.model_copy(update={"software": dict(reversed(run.software.items()))})
    assert list(run.software) != list(turned.software)
    one, two = (json.dumps(baseline_json(GPU, [replicate], "why")) for replicate in (run, turned))
    assert one == two


def test_a_baseline_of_schema_version_1_is_read() -> None:
    """The file is as the perfkit wrote it that knew version 1 alone."""
    old = read_baseline(GOLDEN / "baseline-version-1.json")
    assert [replicate.datetime[:10] for replicate in old.replicates] == ["2030-01-01", "2030-01-02"]
    assert (old.reason, old.anchors, old.changes) == ("first", (), ())


def test_anchors_and_changes_survive_the_file(tmp_path: Path) -> None:
    runs = [make_run(day=day) for day in (1, 2)]
    replicates = tuple(run.replicate for run in runs)
    levels = [anchor_of(sample.case, replicates) for sample in replicates[0].samples]
    anchors = tuple(level for level in levels if level is not None)
    change = Change(
        action="promote",
        datetime="2030-01-02T08:00:00+00:00",
        by="ana <ana@example.invalid>",
        reason="first",
        runs=sources(runs, tmp_path),
        accepted=["incomplete"],
    )
    path = tmp_path / "baseline.json"
    write_baseline(path, Baseline(str(path), GPU, replicates, "first", anchors=anchors[::-1], changes=(change,)))
    read_back = read_baseline(path)
    assert read_back.changes == (change,)
    assert [anchor.case for anchor in read_back.anchors] == [anchor.case for anchor in anchors]
    assert {anchor.replicates for anchor in read_back.anchors} == {2}
    first = read_back.anchors[0]
    assert first.wall.variant_s == pytest.approx(anchors[0].wall.variant_s, rel=5e-6)
    assert first.datetime == "2030-01-02T02:14:09+00:00"
    before = path.read_bytes()
    write_baseline(path, read_back)
    assert path.read_bytes() == before


def test_no_path_of_one_machine_gets_into_a_baseline(tmp_path: Path) -> None:
    inside = make_run(day=1).model_copy(update={"source": str(tmp_path / "results" / "a.json")})
    outside = make_run(day=2).model_copy(update={"source": "/somewhere/else/b.json"})
    assert [source.file for source in sources([outside, inside, inside], tmp_path)] == ["results/a.json", "b.json"]


def test_auto_finds_the_file_of_the_hardware(tmp_path: Path) -> None:
    promoted(tmp_path)
    promoted(tmp_path, hardware=CPU)
    found = load("auto", tmp_path, CPU)
    assert found is not None
    assert found.hardware == CPU


def test_auto_finds_none(tmp_path: Path) -> None:
    assert load("auto", tmp_path) is None
    promoted(tmp_path, hardware=CPU)
    assert load("auto", tmp_path) is None
    promoted(tmp_path)
    assert load("none", tmp_path) is None


def test_unknown_memory_finds_the_file_with_it_and_the_other_way_round(tmp_path: Path) -> None:
    unknown = GPU.model_copy(update={"memory_gib": None})
    other_memory = GPU.model_copy(update={"memory_gib": 40})
    path = promoted(tmp_path)
    assert load("auto", tmp_path, unknown) is not None
    assert load("auto", tmp_path, other_memory) is None
    assert baseline_path(unknown, tmp_path) == path
    path.unlink()
    path = promoted(tmp_path, hardware=unknown)
    assert load("auto", tmp_path) is not None
    assert baseline_path(GPU, tmp_path) == path


def test_a_broken_file_of_other_hardware_is_not_opened(tmp_path: Path) -> None:
    promoted(tmp_path)
    promoted(tmp_path, hardware=CPU).write_text("{")
    assert load("auto", tmp_path) is not None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not whole JSON"),
        ('{"kind": "perfkit-baseline", "schema_version": 3}', "schema version 3.*knows 1 to 2"),
        ('{"kind": "perfkit-baseline", "schema_version": true}', "schema version True.*knows 1 to 2"),
        ('{"kind": "perfkit-baseline", "schema_version": 1}', "no baseline that perfkit wrote: "),
        ('{"kind": "something"}', "not a pytest-benchmark file"),
    ],
)
@pytest.mark.parametrize("by_path", [True, False])
def test_an_unreadable_baseline_is_named(tmp_path: Path, content: str, message: str, by_path: bool) -> None:
    path = promoted(tmp_path)
    path.write_text(content)
    with pytest.raises(UserError, match=message) as error:
        load(str(path) if by_path else "auto", tmp_path)
    assert str(error.value).startswith(f"{path}: ")


def test_a_baseline_with_a_time_that_is_none_is_refused(tmp_path: Path) -> None:
    path = promoted(tmp_path)
    data = json.loads(path.read_text())
    data["replicates"][0]["samples"][0]["wall"]["variant_s"] = 0
    path.write_text(json.dumps(data))
    with pytest.raises(UserError, match=r"replicates\.0\.samples\.0\.wall\.variant_s"):
        read_baseline(path)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["first_round_ratio", "costs", "clocks_mhz"])
def test_a_number_that_is_none_is_refused_wherever_it_stands(tmp_path: Path, name: str, value: float) -> None:
    """It would be written again by the next promotion, as no JSON."""
    path = promoted(tmp_path)
    data = json.loads(path.read_text())
    data["replicates"][0]["samples"][0][name] = value if name == "first_round_ratio" else {"x": value}
    path.write_text(json.dumps(data))
    with pytest.raises(UserError, match=rf"replicates\.0\.samples\.0\.{name}.*finite number"):
        read_baseline(path)


def test_a_run_or_a_folder_of_runs_is_a_baseline(tmp_path: Path) -> None:
    one = write_run(tmp_path, day=1)
    assert len(read_baseline(one).replicates) == 1
    write_run(tmp_path, day=2)
    (tmp_path / "copy.json").write_bytes(one.read_bytes())
    assert len(read_baseline(tmp_path).replicates) == 2


def test_a_folder_of_mixed_hardware_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path, day=1)
    write_run(tmp_path, day=2, hardware=CPU)
    with pytest.raises(UserError, match=r"different hardware \(Made Up GPU x1.*Made Up CPU x2"):
        read_baseline(tmp_path)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose branch main has a baseline that the working tree has changed."""

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"]
        subprocess.run(["git", "-C", tmp_path, *identity, *arguments], check=True)

    git("init", "-q")
    promoted(tmp_path / "results", reason="reviewed")
    git("add", ".")
    git("commit", "-q", "-m", "baseline")
    promoted(tmp_path / "results", reason="brought by the change itself")
    return tmp_path


@pytest.mark.parametrize("ref", ["main", "HEAD", "refs/heads/main"])
def test_git_reads_the_baseline_of_another_commit(repository: Path, ref: str) -> None:
    found = load(f"git:{ref}", repository / "results")
    assert found is not None
    assert found.reason == "reviewed"
    assert found.source.startswith(f"git:{ref}:")


def test_git_works_without_the_folder_in_the_working_tree(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = (repository / "results" / "baselines").iterdir()
    path.unlink()
    path.parent.rmdir()
    path.parent.parent.rmdir()
    monkeypatch.chdir(repository)
    assert load("git:main", Path("results")) is not None


def test_git_finds_none_for_other_hardware(repository: Path) -> None:
    assert load("git:main", repository / "results", CPU) is None
    assert load("git:main", repository / "elsewhere") is None


@pytest.mark.parametrize("ref", ["nothing", "--output=x", "-h", "", "main:results", "a\nb", "a\0b", "HEAD~9", "a..b"])
def test_what_names_no_commit_is_refused(repository: Path, ref: str) -> None:
    with pytest.raises(UserError, match="names no commit"):
        load(f"git:{ref}", repository / "results")
    assert not (repository / "x").exists()


def test_git_outside_a_repository_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UserError, match="lies in no git repository"):
        load("git:main", tmp_path / "results")


def test_git_that_is_not_installed_is_named(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="git is not installed"):
        load("git:main", repository / "results")


def test_a_baseline_in_git_that_is_too_large_is_never_read(repository: Path) -> None:
    (path,) = (repository / "results" / "baselines").glob("*.json")
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    subprocess.run(["git", "-C", repository, "-c", "core.bigFileThreshold=1m", "add", "."], check=True)
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.invalid"]
    subprocess.run(["git", "-C", repository, *identity, "commit", "-q", "-m", "huge"], check=True)
    with pytest.raises(UserError, match=r"^git:HEAD:.*\.json: larger than 50 MiB, no baseline"):
        load("git:HEAD", repository / "results")


def test_a_broken_baseline_in_git_is_named(repository: Path) -> None:
    (path,) = (repository / "results" / "baselines").iterdir()
    path.write_text("{")
    identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run(["git", "-C", repository, *identity, "commit", "-qam", "broken"], check=True)
    with pytest.raises(UserError, match=r"^git:main:.*\.json: not whole JSON"):
        load("git:main", repository / "results")


def test_what_is_hidden_is_no_baseline(tmp_path: Path) -> None:
    """A Mac leaves such a file beside each that it copies."""
    folder = tmp_path / "baselines"
    folder.mkdir()
    write_baseline(folder / "made-up.json", Baseline("b", GPU, (make_run().replicate,)))
    (folder / "._made-up.json").write_bytes(b"\x00\x05\x16\x07")
    assert len(reviewed_baselines("auto", tmp_path)) == 1
    assert len(reviewed_replicates(folder, GPU.platform)) == 1
