"""JUnit XML, for every CI that shows test results: a suite a model, a test case for each case and metric.

A case's verdict is a test case of its own, named ``verdict``: an engine that got worse fails it, and no metric does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from perfkit.judge.verdict import Verdict
from perfkit.report.table import by_model, why
from perfkit.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfkit.judge.verdict import MetricRow, Row
    from perfkit.report.exporter import Report

_OUTCOMES = {
    Verdict.BROKEN: "error",
    Verdict.MISSING: "failure",
    Verdict.REGRESSED: "failure",
    Verdict.INCONCLUSIVE: "skipped",
    Verdict.WAIVED: "skipped",
}
"""The element inside a test case; the other verdicts pass, which has none. A skipped one says that nobody knows."""


def export(report: Report) -> bytes:
    """One document; the suite ``perfkit`` says by one test case whether anything could be judged at all."""
    judgement = report.judgement
    root = ET.Element("testsuites", name="perfkit")
    suites = [_gate(report), *(_suite(model, rows) for model, rows in by_model(judgement.rows).items())]
    root.extend(suites)
    for suite in (*suites, root):
        _count(suite)
    ET.indent(root)
    # Its own declaration would have the encoding in single quotes, which some readers don't know.
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'.encode()


def _gate(report: Report) -> ET.Element:
    judgement = report.judgement
    suite = ET.Element("testsuite", name="perfkit")
    test = ET.SubElement(suite, "testcase", classname="perfkit", name="judgement")
    if judgement.refusal is not None:
        ET.SubElement(test, "skipped", message=printable(f"nothing was judged: {judgement.refusal.text}"))
    lines = [judgement.summary, *(f"{finding.kind}: {finding.text}" for finding in judgement.findings)]
    ET.SubElement(test, "system-out").text = "\n".join(map(printable, lines))
    return suite


def _suite(model: str, rows: Sequence[Row]) -> ET.Element:
    suite = ET.Element("testsuite", name=printable(model))
    for row in rows:
        test = _test(suite, row, "verdict")
        _outcome(test, row.verdict, why(row))
        for metric in row.metrics:
            _metric(suite, row, metric)
    return suite


def _metric(suite: ET.Element, row: Row, metric: MetricRow) -> None:
    test = _test(suite, row, str(metric.metric))
    if not metric.metric.is_speedup and metric.current is not None:
        test.set("time", f"{metric.current:.9f}")
    properties = ET.SubElement(test, "properties")
    for name, value in metric.model_dump(exclude={"metric", "verdict"}, exclude_none=True).items():
        ET.SubElement(properties, "property", name=name, value=f"{value:.9g}")
    if metric.current is None:
        ET.SubElement(test, "skipped", message="not measured in this run")
        return
    verdict = metric.verdict
    if verdict is not None and verdict.fails and not row.verdict.fails:
        verdict = row.verdict  # the case was let off (two modes, too few rounds): its number fails nobody either
    if verdict is not None:
        change = "" if metric.change_pct is None else f" ({metric.change_pct:+.2f}%)"
        _outcome(test, verdict, f"{metric.metric}{change}; {why(row)}")


def _test(suite: ET.Element, row: Row, name: str) -> ET.Element:
    parts = [row.model, *([row.variant] if row.variant else [])]
    # A dot would begin another package.
    classname = ".".join(part.replace(".", "_") for part in parts)
    return ET.SubElement(
        suite, "testcase", classname=printable(classname), name=printable(f"{row.shape} {name}".strip())
    )


def _outcome(test: ET.Element, verdict: Verdict, message: str) -> None:
    kind = _OUTCOMES.get(verdict)
    if kind is not None:
        attributes = {"message": f"{verdict}: {printable(message)}"}
        if kind != "skipped":
            attributes["type"] = str(verdict)
        ET.SubElement(test, kind, attributes)


def _count(element: ET.Element) -> None:
    element.set("tests", str(len(element.findall(".//testcase"))))
    for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        element.set(name, str(len(element.findall(f".//{kind}"))))
