"""Every exporter takes every report: whatever names hold, the file stays what its format says, and nothing is lost."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text_format

from perfkit.catalog.case import CaseId
from perfkit.judge.metric import Metric
from perfkit.judge.verdict import Verdict
from perfkit.record.baseline import Baseline
from perfkit.record.read import run_from_json
from perfkit.report.exporter import Format, Report, load_exporter
from perfkit.report.flat import flat_rows
from perfkit.report.markdown import MOST_BYTES
from tests.golden import assert_golden
from tests.report.examples import every_kind, first_run, report_of, rounded_numbers, whole_report
from tests.report.strategies import huge, judgements, reports
from tests.support import GPU, benchmark_of, case, run_data, spoil, usual_times

if TYPE_CHECKING:
    from perfkit.judge.verdict import Judgement

GOLDEN = Path(__file__).parent / "golden"
SMALL = {
    Format.JUNIT: "junit.xml",
    Format.CSV: "table.csv",
    Format.GITHUB_ANNOTATIONS: "annotations.txt",
    Format.OPENMETRICS: "openmetrics.prom",
    Format.BENCHMARK_TIMES: "benchmark-times.json",
    Format.BENCHMARK_SPEEDUPS: "benchmark-speedups.json",
    Format.BENCHER: "bencher.json",
}


def exported(form: Format, report: Report) -> str:
    return load_exporter(form)(report).decode("utf-8")


@pytest.mark.parametrize(("form", "name"), SMALL.items(), ids=str)
def test_the_whole_file(form: Format, name: str) -> None:
    assert_golden(GOLDEN / name, exported(form, rounded_numbers(whole_report())))
    assert_golden(GOLDEN / f"first-run-{name}", exported(form, rounded_numbers(Report(first_run()))))


@settings(max_examples=60)
@pytest.mark.parametrize("form", [form for form in Format if form is not Format.HTML])
@given(report=reports)
def test_every_report_gives_a_file_with_no_control_characters(form: Format, report: Report) -> None:
    content = load_exporter(form)(report)
    if form is not Format.PARQUET:
        text = content.decode("utf-8")
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]", text)


@given(judgements)
def test_junit_is_xml_with_a_test_case_for_each_case_and_metric(judgement: Judgement) -> None:
    root = ET.fromstring(exported(Format.JUNIT, Report(judgement)))  # noqa: S314  (our own)
    cases = root.findall(".//testcase")
    assert len(cases) == 1 + len(judgement.rows) + sum(len(row.metrics) for row in judgement.rows)
    assert int(root.attrib["tests"]) == len(cases)
    verdicts = [test for test in cases if test.attrib["name"].endswith("verdict") and test.attrib["classname"] != ""]
    failed = [test for test in verdicts if test.find("failure") is not None or test.find("error") is not None]
    assert len(failed) >= sum(row.verdict.fails for row in judgement.rows)
    assert (int(root.attrib["failures"]) + int(root.attrib["errors"]) > 0) == any(
        row.verdict.fails for row in judgement.rows
    )


@given(reports)
def test_csv_has_the_flat_table_and_no_formula(report: Report) -> None:
    heading, *rows = csv.reader(io.StringIO(exported(Format.CSV, report), newline=""))
    expected = list(flat_rows(report))
    assert len(rows) == len(expected)
    for row, flat in zip(rows, expected, strict=True):
        assert len(row) == len(heading)
        named = dict(zip(heading, row, strict=True))
        assert named["current"] == ("" if flat.current is None else repr(flat.current))
        assert not any(named[name].lstrip().startswith(("=", "+", "-", "@")) for name in ("model", "variant", "reason"))


@given(reports)
def test_parquet_gives_back_what_went_in(report: Report) -> None:
    table = pq.read_table(io.BytesIO(load_exporter(Format.PARQUET)(report)))
    assert [tuple(row.values()) for row in table.to_pylist()] == [tuple(row) for row in flat_rows(report)]


def test_disturbed_rounds_and_spoiled_replicates_are_columns() -> None:
    quiet, hot, spoiled = case(), case("trt-int8"), case("eager-fp32")
    times = {which: usual_times()[which] for which in (quiet, hot, spoiled)}
    first, second = run_data(times, day=1), run_data(times, day=2)
    record = benchmark_of(first, hot)["extra_info"]["perfkit"]
    record["conditions"] = {"rounds": 24, "disturbed": {"the GPU was too hot": 3, "busy": 1}}
    spoil(benchmark_of(second, spoiled)["extra_info"]["perfkit"])
    table = csv.DictReader(io.StringIO(exported(Format.CSV, report_of([first, second], None))))
    told = {
        CaseId(row["model"], row["variant"], row["shape"]): (
            row["rounds"],
            row["disturbed_rounds"],
            row["spoiled_replicates"],
        )
        for row in table
    }
    # 20 rounds are kept in each file: beside the hot ones four were left out, the spoiled ones are all there.
    assert told == {quiet: ("40", "0", "0"), hot: ("44", "4", "0"), spoiled: ("40", "15", "1")}


@given(judgements)
def test_annotations_are_workflow_commands_and_nothing_else(judgement: Judgement) -> None:
    lines = exported(Format.GITHUB_ANNOTATIONS, Report(judgement)).splitlines()
    assert all(re.fullmatch(r"::(error|warning|notice) title=[^:,]*::.*", line) for line in lines)
    assert not any(re.search(r"%(?!25|2C|3A)", line) for line in lines)
    errors = sum(line.startswith("::error") for line in lines)
    assert errors == min(10, sum(row.verdict.fails for row in judgement.rows))


def test_annotations_beyond_what_github_shows_are_counted() -> None:
    lines = exported(Format.GITHUB_ANNOTATIONS, huge(50)).splitlines()
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == 10
    assert "and 16 more cases" in errors[-1]


@given(judgements)
def test_openmetrics_is_read_by_both_parsers_of_prometheus(judgement: Judgement) -> None:
    text = exported(Format.OPENMETRICS, Report(judgement))
    for read in (read_openmetrics, read_text_format):
        samples = [sample for family in read(text) for sample in family.samples]
        verdicts = [sample for sample in samples if sample.name == "perfkit_case_verdict"]
        assert len(verdicts) == len(judgement.rows)
        labelled = [(sample.name, *sorted(sample.labels.items())) for sample in samples]
        assert len(set(labelled)) == len(labelled)
        assert all(sample.timestamp is None for sample in samples)  # the textfile collector takes none


@given(judgements)
def test_every_number_of_the_run_is_in_the_files_of_other_tools(judgement: Judgement) -> None:
    def read(form: Format) -> Any:
        return json.loads(exported(form, Report(judgement)), parse_constant=pytest.fail)

    numbers = [(m, m.current) for row in judgement.rows for m in row.metrics if m.current is not None]
    times, speedups = read(Format.BENCHMARK_TIMES), read(Format.BENCHMARK_SPEEDUPS)
    assert [entry["value"] for entry in times] == [value * 1e3 for m, value in numbers if not m.metric.is_speedup]
    assert [entry["value"] for entry in speedups] == [value for m, value in numbers if m.metric.is_speedup]
    assert len({entry["name"] for entry in times}) == len(times)
    bencher = read(Format.BENCHER)
    assert sum(map(len, bencher.values())) == len(numbers)
    assert all(len(name) <= 1024 for name in bencher)


def test_a_users_metric_is_in_every_table_with_what_is_said_of_it() -> None:
    """Name, unit and direction as the record declares them; a number that isn't there is no row of OpenMetrics."""
    which = case("trt-int8")
    nights = []
    for day, value in ((1, 2.0), (2, 3.0)):
        data = run_data({which: usual_times()[which]}, day=day)
        said = {"unit": 'J/"img"', "better": "lower", "tolerance": 0.1}
        lost = {**said, "value": None, "reason": "no counter"}
        record = benchmark_of(data, which)["extra_info"]["perfkit"]
        record["custom_metrics"] = {"energy": {**said, "value": value}, "lost": lost}
        nights.append(data)
    before = run_from_json(nights[0], "before.json")
    report = report_of(nights[1:], Baseline("base.json", GPU, (before.replicate,)))
    text, labels = exported(Format.OPENMETRICS, report), {**which._asdict(), "metric": "energy"}
    for read in (read_openmetrics, read_text_format):
        samples = [sample for family in read(text) for sample in family.samples]
        own = [sample for sample in samples if sample.labels.get("metric") in ("energy", "lost")]
        assert [(sample.name, sample.labels, sample.value) for sample in own] == [
            ("perfkit_custom_metric", {**labels, "unit": 'J/"img"', "better": "lower"}, 3.0),
            ("perfkit_change_ratio", labels, 0.5),
        ]
    (line,) = [r for r in csv.DictReader(io.StringIO(exported(Format.CSV, report))) if r["metric"] == "energy"]
    (row,) = [
        r
        for r in pq.read_table(io.BytesIO(load_exporter(Format.PARQUET)(report))).to_pylist()
        if r["metric"] == "energy"
    ]
    assert (line["unit"], line["better"], line["baseline"], line["current"]) == ('J/"img"', "lower", "2.0", "3.0")
    assert (row["unit"], row["better"], row["change_pct"]) == ('J/"img"', "lower", 50.0)


def test_directions_and_units() -> None:
    judgement = every_kind()
    row = next(row for row in judgement.rows if row.verdict is Verdict.REGRESSED)
    time = row.metric(Metric.WALL_TIME)
    assert time is not None
    assert time.current is not None
    (entry,) = [
        found
        for found in json.loads(exported(Format.BENCHMARK_TIMES, Report(judgement)))
        if found["name"] == f"{row.case} wall time"
    ]
    assert entry["unit"] == "ms"
    assert entry["value"] == pytest.approx(1.09, rel=0.01)
    assert json.loads(exported(Format.BENCHER, Report(judgement)))[str(row.case)]["latency"]["value"] == pytest.approx(
        time.current * 1e9
    )


@given(judgements)
@settings(max_examples=50)
def test_markdown_stays_small_and_begins_with_the_worst(judgement: Judgement) -> None:
    text = exported(Format.MARKDOWN, Report(judgement))
    assert len(text.encode()) <= MOST_BYTES
    assert text.count("<details>") == text.count("</details>")
    assert not re.search(r"<(?!/?(?:details|summary)>)", text)


def test_markdown_of_a_huge_run_stays_small_and_says_what_is_left_out() -> None:
    text = exported(Format.MARKDOWN, huge(1000))
    assert 40_000 < len(text.encode()) <= MOST_BYTES
    assert re.search(r"\d+ more cases are left out here, the best ones: \d+ REGRESSED, 500 PASS\.", text)


@pytest.mark.parametrize("form", list(Format))
def test_a_huge_and_an_empty_report(form: Format) -> None:
    assert load_exporter(form)(huge(600))
    empty = first_run().model_copy(update={"rows": (), "findings": ()})
    assert load_exporter(form)(Report(empty))


def test_a_let_off_case_fails_no_metric() -> None:
    """Two modes: the metric got worse, the case is INCONCLUSIVE, and JUnit shows no failure."""
    judgement = every_kind()
    rows = tuple(
        row.model_copy(update={"verdict": Verdict.INCONCLUSIVE}) if row.verdict.fails else row for row in judgement.rows
    )
    text = exported(Format.JUNIT, Report(judgement.model_copy(update={"rows": rows})))
    root = ET.fromstring(text)  # noqa: S314
    assert (root.attrib["failures"], root.attrib["errors"]) == ("0", "0")
    assert int(root.attrib["skipped"]) >= 3
