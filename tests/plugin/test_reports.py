"""Reports of a run, written at once; what goes wrong with one loses neither the run nor its verdict."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from perfkit.exit_codes import ExitCode
from tests.projects import MODEL, SMALL, Ended, run_pytest, saved_files, suite, write_project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a format that raises, as a bug of an exporter would, and a file that stands where a folder has to be."""
    folder = write_project(tmp_path_factory.mktemp("reports"), suite(["twin"], shapes=[SMALL]))
    (folder / "conftest.py").write_text(
        "import pytest\n\n\n"
        "def pytest_runtest_teardown(item):\n"
        "    import perfkit.report.bencher\n\n"
        "    def bug(report):\n"
        "        raise ZeroDivisionError('a bug')\n\n"
        "    perfkit.report.bencher.export = bug\n"
        "    (item.config.rootpath / 'lost').touch()\n",
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="module")
def ended(project: Path) -> Ended:
    reports = ("html:out/report.html", "junit:out/junit.xml", "bencher:out/b.json", "csv:lost/x.csv", "csv:out/t.csv")
    return run_pytest(project, "-v", "--benchmark-autosave", *(f"--perfkit-report={report}" for report in reports))


def test_pytests_own_verbosity_is_the_tables(ended: Ended) -> None:
    assert any(line.lstrip().startswith("wall time - → ") for line in ended.lines)


def test_each_report_is_written_and_named(project: Path, ended: Ended) -> None:
    assert "html report: out/report.html" in ended.lines
    text = (project / "out" / "report.html").read_text(encoding="utf-8")
    assert f"{MODEL}/twin/{SMALL}" in text
    assert '"replicate":"run 1","clock":"wall","side":"variant"' in text  # the rounds, although nothing was read back
    assert "The history isn't shown: " in text  # these projects have it switched off
    root = ET.parse(project / "out" / "junit.xml").getroot()  # noqa: S314  (our own)
    assert {suite.attrib["name"] for suite in root} == {"perfkit", MODEL}
    with (project / "out" / "t.csv").open(encoding="utf-8", newline="") as file:
        assert {row["verdict"] for row in csv.DictReader(file)} == {"NEW"}


def test_the_run_and_its_verdict_outlive_a_report(project: Path, ended: Ended) -> None:
    assert ended.code == ExitCode.NOT_JUDGED, ended.out
    assert len(saved_files(project)) == 1
    assert any(line.startswith("no csv report: lost/x.csv: cannot be written: ") for line in ended.lines)
    assert "no bencher report at out/b.json, by a bug of perfkit:" in ended.lines
    assert "ZeroDivisionError: a bug" in ended.lines
    assert not (project / "out" / "b.json").exists()
    assert "INTERNALERROR" not in ended.out
