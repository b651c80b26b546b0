"""The page of the history as a file: bounded, escaped, and whole."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from perfkit.catalog.case import CaseId
from perfkit.history.overview import Overview, SeriesThrough
from perfkit.history.series import Point, RunFacts, Series, Through
from perfkit.history.trends import Kind, Trend
from perfkit.judge.verdict import Verdict
from perfkit.report.exporter import Format
from perfkit.report.history_table import render_one
from perfkit.report.html.trend_views import MOST_POINTS, id_of
from perfkit.report.trend.exporter import TrendReport, load_trend_exporter
from perfkit.report.trends import render
from tests.report.html.test_page import ELEMENTS, Document, data_of
from tests.report.strategies import NASTY

HARDWARE = "Made Up GPU x1"
RUN = RunFacts(1_900_000_000, "a" * 40, "1", 1)


def series(
    number: int, nights: int, *, name: str = "resnet50", metric: str = "device time", **more: Any
) -> SeriesThrough:
    one = Series(number, number, CaseId(f"{name}-{number}", "trt-fp16", "1x3x224x224"), metric, HARDWARE)
    facts: dict[str, Any] = {"trends": (), "failing": {}, "is_new": False, "has_turned": False}
    return SeriesThrough(one, range(nights), [1e-3 + 1e-6 * (night % 7) for night in range(nights)], **facts | more)


def report(found: list[SeriesThrough], nights: int) -> TrendReport:
    runs = [RunFacts(1_900_000_000 + 86_400 * night, f"{night:040x}", str(night), 1) for night in range(nights)]
    return TrendReport(Overview(runs, found), "what each case is judged by")


def step(one: SeriesThrough, *, worse: bool = True) -> Trend:
    return Trend(
        kind=Kind.STEP,
        **one.series.case._asdict(),
        metric=one.series.metric,
        hardware=one.series.hardware,
        before="2030-03-20",
        date="2030-03-21",
        good="a" * 40,
        bad="b" * 40,
        change_pct=12.5,
        worse=worse,
        software=(),
    )


def page(found: TrendReport) -> str:
    return load_trend_exporter(Format.HTML)(found).decode("utf-8")


def test_five_hundred_cases_of_three_years_stay_below_six_megabytes() -> None:
    nights = 1095
    text = page(report([series(number, nights) for number in range(500)], nights))
    assert len(text.encode()) < 6e6
    data = data_of(Document(text))
    assert sum(len(one["values"]) for one in data["series"].values()) <= MOST_POINTS
    assert re.search(r"the median of every 4 nights", text)
    assert len(data["sets"]) == 1  # all have the same nights
    assert data["sets"][0][-1] == nights - 1


def test_a_small_history_is_drawn_night_by_night() -> None:
    one = series(1, 20, failing={4: Verdict.REGRESSED})
    one = series(1, 20, failing={4: Verdict.REGRESSED}, trends=(step(one),))
    data = data_of(Document(page(report([one], 20))))
    drawn = data["series"][id_of(one.series)]
    assert drawn["values"] == [pytest.approx(value * 1e3) for value in one.values]
    assert drawn["failing"] == [[4, pytest.approx(1.004), "REGRESSED"]]
    assert [(change["kind"], change["way"], change["date"]) for change in drawn["changes"]] == [
        ("step", "worse", "2030-03-21")
    ]
    assert "the median of every" not in page(report([one], 20))


def test_a_users_metric_is_drawn_in_its_own_unit() -> None:
    one = series(1, 12, metric="energy [J/img, lower is better]")
    text = page(report([one], 12))
    assert data_of(Document(text))["series"][id_of(one.series)]["values"] == [pytest.approx(v) for v in one.values]
    assert "energy [J/img, lower is better]" in text
    assert re.search(r'data-unit="J/img"|>[^<]*J/img<', text)


def test_changes_lead_to_their_charts() -> None:
    found = [series(number, 12, trends=(step(series(number, 12)),)) for number in range(5)]
    text = page(report(found, 12))
    row = text[text.index('<section id="changes"') : text.index('<section id="cases"')]
    assert row.count("<tr>") == 2  # five of one night are one row, below the heading
    for one in found:
        assert f'href="#{id_of(one.series)}"' in row
        assert f'<figure id="{id_of(one.series)}"' in text
    assert "▼ step +12.5% on 2030-03-21" in text


def test_a_users_words_stay_words_on_a_terminal() -> None:
    one = series(1, 12, metric="a\x1b[31m [\x1bx, lower is better]")
    shown = render([step(one)], 300) + render_one(Through(one.series, [Point(RUN, 2.5, None, None)]), 300)
    assert "\x1b" not in shown
    assert "2.5 \\x1bx" in shown


@pytest.mark.parametrize("name", NASTY)
def test_names_stay_names(name: str) -> None:
    metric = f"{name} [{name[:20]}, higher is better]"
    one = series(1, 12, name=name, metric=metric, is_new=True, has_turned=True, failing={11: Verdict.BROKEN})
    one = replace(one, trends=(step(one),))
    document = Document(page(report([one], 12)))
    assert document.open == []
    assert {tag for tag, _ in document.elements} <= {*ELEMENTS, "br"}
    attributes = [(key, value or "") for _, found in document.elements for key, value in found.items()]
    assert not [key for key, _ in attributes if key.startswith("on") or key in ("src", "srcdoc", "action")]
    ids = [value for key, value in attributes if key == "id"]
    assert {value[1:] for key, value in attributes if key == "href"} <= set(ids)
    assert len(set(ids)) == len(ids)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u2028\u202a-\u202e\u2066-\u2069]", "".join(document.text))
    data_of(document)
