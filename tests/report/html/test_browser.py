"""The page in a real Chromium: what people do with it, and that it asks for nothing and complains of nothing."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import axe_playwright_python
import pytest
from playwright.sync_api import expect

from perfkit.history.overview import Overview, SeriesThrough
from perfkit.history.series import RunFacts, Series
from perfkit.judge.verdict import Verdict
from perfkit.report.exporter import Format, Report, load_exporter
from perfkit.report.html.links import anchor
from perfkit.report.past import Past
from tests.report.examples import ODD, first_run, report_of, whole_report
from tests.support import benchmark_of, case, run_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
REGRESSED, BROKEN = case("trt-int8"), case("trt-int8", "mobilenet_v2")


@pytest.fixture(scope="module")
def report_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(whole_report(), tmp_path_factory.mktemp("report"))


def written(report: Report, folder: Path) -> Path:
    path = folder / "report.html"
    path.write_bytes(load_exporter(Format.HTML)(report))
    return path


@contextmanager
def opened(browser: Browser, path: Path, fragment: str = "", **options: str) -> Iterator[Page]:
    """The page; at the end nothing was asked for but the file itself, and the console is empty.

    What follows a link, a chart or a tooltip comes some time after the click: it is waited for (`expect`), never read.
    """
    context = browser.new_context(**options)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    page = context.new_page()
    requests: list[str] = []
    told: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(path.as_uri() + fragment)
    yield page
    context.close()
    # Colours of a picture are data, not a request.
    assert {url.partition("#")[0] for url in requests if not url.startswith("data:")} == {path.as_uri()}
    assert told == []


def fragment_of(page: Page) -> str:
    """The address as the page has it: Playwright's own copy (`page.url`) comes later."""
    return str(page.evaluate("location.hash"))


def shown_cases(page: Page) -> list[str]:
    return page.locator("#table tbody tr:visible th").all_inner_texts()


def test_a_text_and_verdicts_filter_the_cases(browser: Browser, report_file: Path) -> None:
    with opened(browser, report_file) as page:
        assert len(shown_cases(page)) == 14
        page.get_by_label("Filter").fill("resnet50 int8")
        assert shown_cases(page) == [str(REGRESSED), str(case("trt-int8", shape="8x3x224x224"))]
        assert page.get_by_role("status").inner_text() == "2 of 14 cases"
        page.get_by_label("PASS").uncheck()
        assert shown_cases(page) == [str(REGRESSED)]
        assert page.locator("details.case:visible").count() == 1
        page.get_by_role("button", name="Show all").click()
        assert len(shown_cases(page)) == 14
        assert page.get_by_label("PASS").is_checked()


def test_headings_sort_up_down_and_back(browser: Browser, report_file: Path) -> None:
    with opened(browser, report_file) as page:
        worst_first = shown_cases(page)
        heading = page.locator("th[data-sort=latency]")
        heading.get_by_role("button").click()
        assert heading.get_attribute("aria-sort") == "ascending"
        values = [
            float(v)
            for v in page.locator("#table tbody td:nth-child(5)").evaluate_all(
                "f => f.map(e => e.dataset.value).filter(v => v)"
            )
        ]
        assert values == sorted(values)
        assert shown_cases(page)[-1] in (str(BROKEN), str(case("trt-fp16", "mobilenet_v2")))  # without a number: last
        heading.get_by_role("button").press("Enter")
        assert heading.get_attribute("aria-sort") == "descending"
        assert shown_cases(page)[-1] in (str(BROKEN), str(case("trt-fp16", "mobilenet_v2")))
        heading.get_by_role("button").click()
        assert heading.get_attribute("aria-sort") is None
        assert shown_cases(page) == worst_first


def test_a_link_holds_what_its_sender_saw(browser: Browser, report_file: Path) -> None:
    with opened(browser, report_file) as page:
        page.get_by_label("Filter").fill("mobilenet")
        page.get_by_label("PASS").uncheck()
        page.locator("th[data-sort=case] button").click()
        seen, fragment = shown_cases(page), fragment_of(page)
    with opened(browser, report_file, fragment) as page:
        assert shown_cases(page) == seen
        assert len(seen) == 2
        assert page.get_by_label("Filter").input_value() == "mobilenet"


def test_the_matrix_leads_to_a_case_and_its_charts(browser: Browser, report_file: Path) -> None:
    with opened(browser, report_file) as page:
        page.get_by_label("Filter").fill("nothing has this name")
        page.locator(f"#matrix a[href='#{anchor(REGRESSED)}']").click()
        section = page.locator(f"#{anchor(REGRESSED)}")
        expect(section).to_have_attribute("open", "")
        expect(section).to_be_visible()  # although the filter had hidden it
        page.wait_for_selector(f"#{anchor(REGRESSED)} figure[data-chart=distribution][data-drawn]")
        assert page.evaluate("document.activeElement.closest('details').id") == anchor(REGRESSED)


def test_a_link_from_outside_opens_its_case(browser: Browser, report_file: Path) -> None:
    with opened(browser, report_file, f"#{anchor(BROKEN)}") as page:
        expect(page.locator(f"#{anchor(BROKEN)}")).to_have_attribute("open", "")
        expect(page.locator(f"#{anchor(BROKEN)}")).to_contain_text("cosine 0.21 is under")


def test_charts_draw_what_is_there(browser: Browser, report_file: Path) -> None:
    with opened(browser, report_file, f"#{anchor(REGRESSED)}") as page:
        for chart, marks in (("rounds", 40), ("distribution", 4)):
            figure = page.locator(f"#{anchor(REGRESSED)} figure[data-chart={chart}][data-clock=device]")
            figure.scroll_into_view_if_needed()
            figure.locator("svg").wait_for()
            assert figure.locator("svg path").count() > marks
        # A tooltip names the point; it needs nothing that the page's policy forbids.
        page.locator(f"#{anchor(REGRESSED)} figure[data-chart=rounds] .mark-symbol path").first.hover(force=True)
        expect(page.locator("#vg-tooltip-element")).to_contain_text("run 1")
        figure = page.locator("details.model[open] figure[data-chart=tradeoff]").first
        figure.scroll_into_view_if_needed()
        figure.locator("svg").wait_for()
        expect(figure).to_contain_text("SQNR")


def test_left_out_rounds_leave_gaps_in_the_chart(browser: Browser, tmp_path: Path) -> None:
    data = run_data({REGRESSED: (4e-3, 1e-3)})
    benchmark_of(data, REGRESSED)["extra_info"]["perfkit"]["conditions"] = {
        "rounds": 23,
        "disturbed": {"the GPU was too hot": 3},
        "disturbed_rounds": [0, 7, 8],
    }
    with opened(browser, written(report_of([data], None), tmp_path), f"#{anchor(REGRESSED)}") as page:
        figure = page.locator(f"#{anchor(REGRESSED)} figure[data-chart=rounds][data-clock=device]")
        figure.scroll_into_view_if_needed()
        figure.locator("svg").wait_for()
        assert figure.locator(".mark-rule.role-mark line").count() == 3
        figure.locator(".mark-symbol.role-mark path").first.hover(force=True)
        expect(page.locator("#vg-tooltip-element tr", has_text="round").locator("td.value").first).to_have_text("2")


def test_the_keyboard_reaches_everything(browser: Browser, report_file: Path) -> None:
    with opened(browser, report_file) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "To the cases"
        page.keyboard.press("Enter")
        page.wait_for_url("**#cases")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "q"
        page.keyboard.type("int8")
        assert len(shown_cases(page)) == 4


def test_light_dark_and_print(browser: Browser, report_file: Path) -> None:
    def background(page: Page) -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    with opened(browser, report_file, color_scheme="dark") as page:
        dark = background(page)
        page.get_by_role("button", name="Colours").click()
        assert background(page) == "rgb(255, 255, 255)" != dark
        page.get_by_role("button", name="Colours").click()
        assert background(page) == dark
        page.emulate_media(media="print")
        assert background(page) == "rgb(255, 255, 255)"
        assert not page.locator("#filter").is_visible()
        assert page.locator("#table").is_visible()
        # A chart that wasn't in sight would be an empty place.
        expect(page.locator("figure[data-chart]:not([data-drawn]):visible")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, tmp_path: Path, scheme: str) -> None:
    """Every verdict is on the page, for each has a colour of its own."""
    report = whole_report()
    verdicts = itertools.cycle(Verdict)
    rows = tuple(row.model_copy(update={"verdict": next(verdicts)}) for row in report.judgement.rows)
    assert {row.verdict for row in rows} == set(Verdict)
    path = written(replace(report, judgement=report.judgement.model_copy(update={"rows": rows})), tmp_path)
    with opened(browser, path, f"#{anchor(REGRESSED)}", color_scheme=scheme) as page:
        page.wait_for_selector("figure[data-drawn]")
        page.evaluate(f"() => {{ {AXE.read_text('utf-8')} }}")
        found = page.evaluate("() => axe.run()")
        serious = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
        assert [(v["id"], v["nodes"][0]["html"], v["nodes"][0]["failureSummary"]) for v in serious] == []
        assert len(found["passes"]) > 20


def test_an_odd_name_stays_a_name(browser: Browser, tmp_path: Path) -> None:
    hostile = case("</script><script>document.title='run'</script>", model="<img src=x onerror=alert(1)>")
    report = report_of([run_data({hostile: (4e-3, 1e-3), ODD: (4e-3, 2e-3)})], None)
    with opened(browser, written(report, tmp_path), f"#{anchor(hostile)}") as page:
        page.wait_for_selector("figure[data-drawn]")
        page.locator("details.model summary").last.click()
        page.wait_for_timeout(300)
        assert page.title().startswith("perfkit: ")
        assert str(hostile) in page.locator("#table").inner_text()
        assert page.locator("img").count() == 0


def test_without_a_script_every_number_is_there(browser: Browser, report_file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report_file.as_uri())
    text = page.locator("body").inner_text()
    assert str(REGRESSED) in text
    assert not page.locator("#filter").is_visible()
    context.close()


def test_a_report_without_cases_opens(browser: Browser, tmp_path: Path) -> None:
    empty = Report(first_run().model_copy(update={"rows": ()}))
    with opened(browser, written(empty, tmp_path)) as page:
        assert "Nothing was judged" in page.locator("header").inner_text()
        assert page.get_by_role("status").inner_text() == "0 of 0 cases"


def test_a_case_is_drawn_through_the_nights(browser: Browser, tmp_path: Path) -> None:
    one = Series(1, 1, REGRESSED, "device speedup", "Made Up GPU")
    nights = [RunFacts(1_900_000_000 + 86_400 * night, f"{night:040x}", str(night), 1) for night in range(9)]
    through = SeriesThrough(one, range(9), [4.0] * 9, (), {}, is_new=False, has_turned=False)
    report = replace(report_of([run_data({REGRESSED: (4e-3, 1e-3)})], None), past=Past(Overview(nights, [through])))
    with opened(browser, written(report, tmp_path), f"#{anchor(REGRESSED)}") as page:
        figure = page.locator(f"#{anchor(REGRESSED)} figure[data-chart=trend]")
        figure.scroll_into_view_if_needed()
        figure.locator("svg").wait_for()
        assert figure.locator(".mark-symbol.role-mark path").count() >= 9
