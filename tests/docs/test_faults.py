"""A run with a fault of each kind, really measured: each stands by its name in every format, where a person looks."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from perfkit.cli import main
from perfkit.report.exporter import Format

FOLDER = Path(__file__).resolve().parents[2] / "results" / "cpu" / "2026-11-26-faults"
FAULTS = [
    ("mobilenet_v2/openvino-fp32/1x3x112x112", "slow:900%", "REGRESSED"),
    ("resnet18/openvino-int8/1x3x112x112", "host:900%", "REGRESSED"),
    ("resnet18/openvino-fp32/1x3x112x112", "wrong", "BROKEN"),
    ("mobilenet_v2/openvino-int8/1x3x112x112", "vanish", "MISSING"),
]
each_fault = pytest.mark.parametrize(("case", "fault", "verdict"), FAULTS, ids=[fault for _, fault, _ in FAULTS])
REPORTS: dict[Format, str] = {}


def shown(form: Format, capsys: pytest.CaptureFixture[str]) -> str:
    """What ``perfkit report`` prints of the run."""
    if form not in REPORTS:
        arguments = ["report", str(FOLDER / "faults"), "--baseline", str(FOLDER / "baseline.json"), "--format", form]
        assert main(arguments) == 0
        REPORTS[form] = capsys.readouterr().out
    return REPORTS[form]


def test_the_run_has_these_faults_and_no_other() -> None:
    for path in (FOLDER / "faults").glob("*.json"):
        injected = json.loads(path.read_text("utf-8"))["perfkit"]["injected"]
        assert set(injected.split(", ")) == {f"{case}={fault}" for case, fault, _ in FAULTS}


@each_fault
def test_html_has_it_in_the_matrix_the_table_and_its_section(
    case: str, fault: str, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(Format.HTML, capsys)
    told = f"a fault was put in on purpose: {fault}"
    row = re.search(
        rf'<tr data-case="([^"]+)" data-state="{verdict}">\s*<th[^>]*data-value="{case}">.*?</tr>', text, re.DOTALL
    )
    assert row is not None
    assert told in row[0]
    anchor = row[1]
    assert re.search(rf'<a class="cell s\d v-{verdict.lower()}" href="#{anchor}">', text)
    section = text[text.index(f'<details class="case" id="{anchor}">') :]
    section = section[: section.index("</details>")]
    assert told in section
    assert verdict in section
    assert f"{case}={fault}" in text[text.index("<h3>Findings</h3>") : text.index('<section id="matrix"')]


@each_fault
def test_markdown_has_it_among_the_cases_that_need_a_look(
    case: str, fault: str, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(Format.MARKDOWN, capsys).partition("<details>")[0]
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {case.replace('_', '&#95;')} |")]
    assert verdict in row
    assert f"a fault was put in on purpose: {fault}" in row


@each_fault
def test_junit_fails_the_test_case_of_its_verdict(
    case: str, fault: str, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model, variant, shape = case.split("/")
    root = ET.fromstring(shown(Format.JUNIT, capsys))  # noqa: S314  (our own)
    (test,) = root.findall(f".//testcase[@classname='{model}.{variant}'][@name='{shape} verdict']")
    (told,) = test.findall("error" if verdict == "BROKEN" else "failure")
    assert told.attrib["type"] == verdict
    assert f"a fault was put in on purpose: {fault}" in told.attrib["message"]


@each_fault
def test_the_terminal_has_it_beside_the_verdict(
    case: str, fault: str, verdict: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    (line,) = [line for line in shown(Format.TERMINAL, capsys).splitlines() if line.startswith(f"{case} ")]
    assert verdict in line
    assert f"a fault was put in on purpose: {fault}" in line


@each_fault
def test_csv_and_annotations_have_its_verdict(
    case: str, fault: str, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = csv.DictReader(io.StringIO(shown(Format.CSV, capsys)))
    assert {row["verdict"] for row in rows if f"{row['model']}/{row['variant']}/{row['shape']}" == case} == {verdict}
    assert f"::error title={verdict} {case}::" in shown(Format.GITHUB_ANNOTATIONS, capsys)
    assert f"put in on purpose: {fault}" in shown(Format.GITHUB_ANNOTATIONS, capsys).replace("%25", "%")


def test_nothing_else_is_called_worse(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(shown(Format.JSON, capsys))["rows"]
    verdicts = {"/".join(row[key] for key in ("model", "variant", "shape")): row["verdict"] for row in rows}
    worse = {case for case, verdict in verdicts.items() if verdict not in ("PASS", "INCONCLUSIVE")}
    assert worse == {case for case, _, _ in FAULTS}
