"""The page of the history in a real Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from perfkit.judge.verdict import Verdict
from perfkit.report.html.trend_views import id_of
from tests.report.html.test_browser import AXE, fragment_of, opened, shown_cases
from tests.report.html.test_trend_page import page, report, series, step

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

WORSE, BETTER, NEW, STEADY = (series(number, 40) for number in range(4))


@pytest.fixture(scope="module")
def trend_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = [
        series(0, 40, trends=(step(WORSE),), failing={39: Verdict.REGRESSED}, has_turned=True),
        series(1, 40, trends=(step(BETTER, worse=False),)),
        series(2, 40, is_new=True),
        *(series(number, 40) for number in range(3, 60)),
    ]
    path = tmp_path_factory.mktemp("trend") / "trend.html"
    path.write_text(page(report(found, 40)), encoding="utf-8")
    return path


def test_text_and_state_filter_rows_and_charts(browser: Browser, trend_file: Path) -> None:
    with opened(browser, trend_file) as shown:
        assert len(shown_cases(shown)) == 60
        shown.get_by_label("steady").uncheck()
        assert shown_cases(shown) == [str(one.series.case) for one in (WORSE, BETTER, NEW)]
        assert shown.locator("#charts figure:visible").count() == 3
        shown.get_by_label("Filter").fill("resnet50-1/")
        assert shown_cases(shown) == [str(BETTER.series.case)]
        assert shown.get_by_role("status").inner_text() == "1 of 60 series"
        fragment = fragment_of(shown)
    with opened(browser, trend_file, fragment) as shown:
        assert shown_cases(shown) == [str(BETTER.series.case)]
        assert not shown.get_by_label("steady").is_checked()


def test_charts_are_drawn_when_they_come_into_sight(browser: Browser, trend_file: Path) -> None:
    with opened(browser, trend_file) as shown:
        assert shown.locator("figure[data-drawn]").count() < 60
        figure = shown.locator(f"#{id_of(WORSE.series)}")
        shown.locator(f"#changes a[href='#{id_of(WORSE.series)}']").click()
        figure.locator("svg").wait_for()
        assert figure.locator(".mark-symbol.role-mark path").count() >= 42  # nights, room, and the one that failed
        assert figure.locator(".mark-rule.role-mark line").count() == 1
        expect(figure).to_be_focused()
        shown.locator(f"#{id_of(series(59, 40).series)}").scroll_into_view_if_needed()
        shown.locator(f"#{id_of(series(59, 40).series)} svg").wait_for()


def test_headings_sort(browser: Browser, trend_file: Path) -> None:
    with opened(browser, trend_file) as shown:
        shown.locator("th[data-sort='newest change'] button").click()
        assert set(shown_cases(shown)[:2]) == {str(WORSE.series.case), str(BETTER.series.case)}
        shown.locator("th[data-sort=case] button").press("Enter")
        assert shown_cases(shown)[0] == str(WORSE.series.case)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, trend_file: Path, scheme: str) -> None:
    with opened(browser, trend_file, f"#{id_of(WORSE.series)}", color_scheme=scheme) as shown:
        shown.wait_for_selector("figure[data-drawn]")
        shown.evaluate(f"() => {{ {AXE.read_text('utf-8')} }}")
        found = shown.evaluate("() => axe.run()")
        serious = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
        assert [(v["id"], v["nodes"][0]["html"], v["nodes"][0]["failureSummary"]) for v in serious] == []
        assert len(found["passes"]) > 15


def test_print_keeps_the_tables(browser: Browser, trend_file: Path) -> None:
    with opened(browser, trend_file) as shown:
        shown.emulate_media(media="print")
        assert shown.locator("#table").is_visible()
        assert not shown.locator("#filter").is_visible()
        assert not shown.locator("figure:not([data-drawn])").last.is_visible()
