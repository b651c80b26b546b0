"""Faults of files, histories and engines that need a command to show; the names are those of the case list."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import tracemalloc
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.verdict import Verdict
from perfkit.record.schema import Outcome, Status
from perfkit.untrusted import MAX_BYTES
from tests.judge.helpers import HURT, others, row_of, usual_baseline
from tests.support import INPUTS, edit_records, make_run, slowed, usual_times, write_run


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PERFKIT_HISTORY", raising=False)
    monkeypatch.setenv("COLUMNS", "400")


@pytest.mark.case("A07")
def test_a07_a_file_of_gigabytes_is_refused_in_a_line_and_never_read_whole(capsys: pytest.CaptureFixture[str]) -> None:
    with Path("huge.json").open("wb") as file:
        file.truncate(1_800_000_000)
    tracemalloc.start()
    try:
        assert main(["compare", "huge.json", "huge.json"]) == ExitCode.USAGE
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 2 * MAX_BYTES
    told = capsys.readouterr().err
    assert told.startswith("perfkit: huge.json: larger than 50 MiB")
    assert told.count("\n") == 1


@pytest.mark.case("A09")
def test_a09_the_history_has_the_good_ones_and_says_which_it_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "add", str(INPUTS / "A09" / "results")]) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert shown.out.startswith("2 added to ")
    assert shown.err.startswith("perfkit: 2 not added: ")
    assert re.search(r"0003_\w+\.json: not whole JSON, line 124 column 14", shown.err)
    assert re.search(r"0004_\w+\.json: empty", shown.err)
    assert main(["history", "resnet50/trt-fp16/*", "--json"]) == ExitCode.PASS
    (series,) = json.loads(capsys.readouterr().out)["series"]
    assert [point["date"][:10] for point in series["points"]] == ["2026-10-01", "2026-10-02"]
    assert main(
        ["compare", str(next((INPUTS / "A09" / "results").glob("0001*"))), str(INPUTS / "A09" / "results")]
    ) == (ExitCode.USAGE)


@pytest.mark.case("A13")
def test_a13_a_code_for_failed_gets_into_no_history_and_no_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    run = str(next((INPUTS / "A13" / "current").iterdir()))
    assert main(["history", "add", run]) == ExitCode.PASS
    capsys.readouterr()
    assert main(["history", "*", "--csv", "--metric", "wall time"]) == ExitCode.PASS
    variants = {row["variant"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    assert variants == {"eager-fp32", "trt-fp16"}
    assert main(["promote", run]) == ExitCode.FAIL
    assert "trt-int8/8x3x224x224 is BROKEN" in capsys.readouterr().out
    assert main(["promote", run, "--force", "--reason", "the others are fine"]) == ExitCode.PASS
    (file,) = Path("results/baselines").iterdir()
    samples = json.loads(file.read_text())["replicates"][0]["samples"]
    assert {sample["variant"] for sample in samples} == {"eager-fp32", "trt-fp16"}


class Page(HTMLParser):
    """The elements of a page, and the texts that are no script."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] not in ("script", "style"):
            self.texts.append(data)


@pytest.fixture
def odd_run() -> Path:
    """A14's current run with nothing to identify a case by but its odd full name, beside its baseline."""
    for side in ("baseline", "current"):
        data = json.loads(next((INPUTS / "A14" / side).iterdir()).read_text())
        for benchmark in data["benchmarks"]:
            benchmark["extra_info"] = {}
        data["benchmarks"][0]["fullname"] = "=1+1, " + data["benchmarks"][0]["fullname"]
        Path(side).mkdir()
        Path(side, "run.json").write_text(json.dumps(data))
    return Path("current/run.json")


@pytest.mark.case("A14")
def test_a14_odd_names_are_text_in_every_format_and_no_path(odd_run: Path) -> None:
    names = [benchmark["fullname"] for benchmark in json.loads(odd_run.read_text())["benchmarks"]]
    assert len(names) == 9
    there = sorted(path.name for path in Path().iterdir())
    forms = ("html", "junit", "csv", "markdown", "json")
    for form in forms:
        arguments = ["report", str(odd_run), "--baseline", "baseline", "--format", form, "--output", f"out.{form}"]
        assert main(arguments) == ExitCode.PASS
    assert sorted(path.name for path in Path().iterdir()) == sorted([*there, *(f"out.{form}" for form in forms)])

    root = ET.fromstring(Path("out.junit").read_text("utf-8"))  # noqa: S314 - written above
    assert len({test.get("classname") for test in root.iter("testcase") if "verdict" in str(test.get("name"))}) == 9
    rows = list(csv.reader(io.StringIO(Path("out.csv").read_text("utf-8"), newline="")))
    assert not [cell for row in rows for cell in row if cell.startswith("=")]
    assert len({row[0] for row in rows[1:]}) == 9
    page = Page()
    page.feed(Path("out.html").read_text("utf-8"))
    assert "img" not in page.tags
    assert any("<img" in name for name in names)
    assert any("<img" in text for text in page.texts)
    assert {row["model"] for row in json.loads(Path("out.json").read_text("utf-8"))["rows"]} == set(names)


@pytest.mark.case("A14")
def test_a14_a_history_keeps_odd_names_apart(odd_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(odd_run)]) == ExitCode.PASS
    (kept,) = Path("results/imported").iterdir()
    assert re.fullmatch(r"run-[0-9a-f]{8}\.json", kept.name)
    capsys.readouterr()
    for name in [benchmark["fullname"] for benchmark in json.loads(odd_run.read_text())["benchmarks"]]:
        assert main(["history", name, "--json"]) == ExitCode.PASS
        assert [s["model"] for s in json.loads(capsys.readouterr().out)["series"]] == [name]


@pytest.mark.case("C07a")
def test_c07a_a_variant_that_died_fails_junit_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    sides = [str(INPUTS / "C07a" / side) for side in ("baseline", "current")]
    assert main(["report", sides[1], "--baseline", sides[0], "--format", "junit"]) == ExitCode.PASS
    root = ET.fromstring(capsys.readouterr().out)  # noqa: S314 - written above
    failing = [test for test in root.iter("testcase") if test.find("failure") is not None]
    assert [(test.get("classname"), test.get("name")) for test in failing] == [
        ("resnet50.trt-int8", "8x3x224x224 verdict")
    ]
    assert str(failing[0].find("failure").attrib["message"]).startswith("MISSING: ")  # type: ignore[union-attr]


@pytest.mark.case("B06")
def test_b06_junit_says_how_many_images_had_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    """However fast it is: a case whose answers are wrong has no times."""
    reason = "the outputs hold NaN or infinity on 3 of 8 images"
    times = {each: s for each, s in usual_times().items() if each != HURT}
    broken = Outcome(**HURT._asdict(), status=Status.BROKEN, reason=reason)
    run = str(write_run(Path("run"), times, day=9, outcomes=(broken,)))
    assert main(["compare", str(write_run(Path("before"), day=1)), run]) == ExitCode.FAIL
    capsys.readouterr()
    assert main(["report", run, "--baseline", "none", "--format", "junit"]) == ExitCode.PASS
    root = ET.fromstring(capsys.readouterr().out)  # noqa: S314 - written above
    (error,) = root.iter("error")
    assert error.get("message") == f"BROKEN: {reason}"


@pytest.mark.case("B10")
def test_b10_another_engine_or_a_cold_timing_cache_is_told_beside_the_change() -> None:
    """So that the lottery of builders is told apart from the code."""
    before = [make_run(day=day) for day in (1, 2, 3)]

    def with_engine(run: Any, **facts: object) -> Any:
        samples = [s.model_copy(update={"facts": {**s.facts, **facts}}) for s in run.replicate.samples]
        return run.model_copy(update={"replicate": run.replicate.model_copy(update={"samples": samples})})

    first = {"engine_sha256": "a" * 64, "timing_cache_bytes": 800_000, "timing_cache_sha256": "b" * 64}
    cold = {"engine_sha256": "c" * 64, "timing_cache_bytes": 0, "timing_cache_sha256": "d" * 64}
    baseline = usual_baseline()
    known = tuple(with_engine(run, **first).replicate for run in before)
    night = with_engine(make_run(slowed(usual_times(), HURT, 1.3), day=9), **cold)
    row = row_of(judge(type(baseline)(baseline.source, baseline.hardware, known), [night]))
    assert row.verdict is Verdict.REGRESSED
    assert f"engine_sha256: {'a' * 12} -> {'c' * 12}" in row.notes
    assert "timing_cache_bytes: 800000 -> 0" in row.notes
    assert f"timing_cache_sha256: {'b' * 12} -> {'d' * 12}" in row.notes


@pytest.mark.case("B16")
def test_b16_a_shared_gpu_is_no_regression(capsys: pytest.CaptureFixture[str]) -> None:
    def shared(record: dict[str, Any]) -> None:
        rounds = len(record["rounds"]["order"])
        disturbed = {"the GPU is shared with pid 4711": rounds - 5}
        record["conditions"] = {"rounds": rounds, "disturbed": disturbed, "spoiled": True}

    for day in (1, 2, 3):
        write_run(Path("before"), day=day)
    slow = write_run(Path("run"), slowed(usual_times(), HURT, 2.0), day=9)
    assert main(["compare", "before", str(slow)]) == ExitCode.FAIL
    edit_records(slow, shared, HURT)
    capsys.readouterr()
    assert main(["compare", "before", str(slow), "--json"]) == ExitCode.INCONCLUSIVE
    rows = json.loads(capsys.readouterr().out)["rows"]
    (row,) = [row for row in rows if row["verdict"] != "PASS"]
    assert row["verdict"] == "INCONCLUSIVE"
    assert row["reason"] == "most rounds were disturbed: the GPU is shared with pid 4711 (15 of 20)"


@pytest.mark.case("C10")
@pytest.mark.parametrize(
    ("fact", "before", "after"),
    [("layers", 56, 217), ("fallback_ops", 0, 3), ("engines", 1, 4), ("engine_bytes", 4_000_000, 9_000_000)],
)
def test_c10_facts_have_their_better_direction_too(fact: str, before: int, after: int) -> None:
    def run_with(value: int, day: int) -> Any:
        run = make_run(day=day)
        samples = [s.model_copy(update={"facts": {**s.facts, fact: value}}) for s in run.replicate.samples]
        return run.model_copy(update={"replicate": run.replicate.model_copy(update={"samples": samples})})

    for old, new, verdict in ((before, after, Verdict.REGRESSED), (after, before, Verdict.PASS)):
        baseline = usual_baseline()
        known = tuple(run_with(old, day).replicate for day in (1, 2, 3))
        judgement = judge(type(baseline)(baseline.source, baseline.hardware, known), [run_with(new, 9)])
        assert {row_of(judgement).verdict, *others(judgement)} == {verdict}


@pytest.mark.case("A01")
def test_a01_neither_a_folder_with_a_copy_nor_promoting_it_makes_two_replicates() -> None:
    shutil.copytree(INPUTS / "A01" / "results", "copies")
    assert main(["promote", "copies"]) == ExitCode.PASS
    (file,) = Path("results/baselines").iterdir()
    assert len(json.loads(file.read_text())["replicates"]) == 1
    assert main(["promote", str(max(Path("copies").iterdir()))]) == ExitCode.NOT_JUDGED
