"""Example reports from committed records: ``python docs/scripts/reports.py --make``, for docs/reports.md.

Needs the dev requirements and a Chromium. Makes the pictures and the page below docs/reports/, and
results/reports/weight.json: how large a report of many cases is, and how long a browser takes to open it. Without
``--make`` only the table in the page is written anew from that file.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import runpy
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from blocks import with_blocks
from cpu_host import described
from packed import content

from perfkit.cli import main as perfkit
from perfkit.history.add import Entry, add_runs
from perfkit.history.database import open_history
from perfkit.history.location import OFF, VARIABLE
from perfkit.report.html.points import MOST_TIMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reports.md"
OUT = ROOT / "docs" / "reports"
WEIGHT = ROOT / "results" / "reports" / "weight.json"

# What is shown. To show another run, change these and make everything anew.
H100 = "results/h100/2026-11-26-nights/slowed-10pct/*.json.xz"
"""The run's records: files below the root, packed or not."""
H100_BASELINE = "results/h100/2026-11-26-nights/baseline.json"
H100_MODEL = "#m-resnet50"
"""Whose section has a picture: how the link to it begins."""
CPU = "results/cpu/2026-11-25-demo-repeats"
SLOWED = "#c-resnet18-openvino-fp32-1x3x224x224-"
FAULTS = "results/cpu/2026-11-26-faults"
MADE_UP = {"few": (120, 40), "many": (365, 500)}
"""Nights and cases of the histories, from benchmarks/history_data.py: one for a picture, one for the weight."""

COPIES = 42
"""Of the twelve cases of the CPU's run under other names of models: 504 cases."""
OPENINGS = 5
ALL_DRAWN = """() => [...document.querySelectorAll("figure[data-chart]")].every((figure) => {
  const { top, bottom } = figure.getBoundingClientRect();
  return figure.dataset.drawn || !figure.checkVisibility() || bottom < 0 || top > innerHeight;
})"""
"""Whether every chart in the window is there."""


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """A folder with the records under the names that the reports are to show; it is the current one."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "results").symlink_to(ROOT / "results")
        (folder / "h100").mkdir()
        for path in sorted(ROOT.glob(H100)):
            (folder / "h100" / path.name.removesuffix(".xz")).write_bytes(content(path))
        os.chdir(folder)
        try:
            yield folder
        finally:
            os.chdir(before)


def report(runs: str, baseline: str, output: Path) -> None:
    """An HTML report; ends the script where it can't be made."""
    os.environ[VARIABLE] = OFF  # whatever this machine has measured is no part of it
    if perfkit(["report", runs, "--baseline", baseline, "--format", "html", "--output", str(output)]):
        sys.exit(1)


def trend(folder: Path, nights: int, cases: int, output: Path) -> None:
    """The HTML report of a made-up history; ends the script where it can't be made."""
    made_up = runpy.run_path(str(ROOT / "benchmarks" / "history_data.py"))["nights"]
    os.environ[VARIABLE] = f"sqlite:///{folder}/{output.stem}.sqlite"
    with open_history(folder) as history:
        add_runs(history, map(Entry, made_up(nights, cases)))
    if perfkit(["report", "--trend", "--format", "html", "--output", str(output)]):
        sys.exit(1)


def many_cases(folder: Path) -> Path:
    """The CPU's slowed run with every case many times over, under other names of models."""
    target = folder / "many"
    target.mkdir()
    for path in sorted((ROOT / CPU / "slowed-10pct").glob("*.json")):
        data = json.loads(path.read_text("utf-8"))
        benchmarks, outcomes = data["benchmarks"], data["perfkit"]["outcomes"]
        data["benchmarks"] = [renamed(each, number) for number in range(COPIES) for each in benchmarks]
        data["perfkit"]["outcomes"] = [
            {**each, "model": f"{each['model']}-{number}"} for number in range(COPIES) for each in outcomes
        ]
        (target / path.name).write_text(json.dumps(data), encoding="utf-8")
    return target


def renamed(benchmark: dict[str, Any], number: int) -> dict[str, Any]:
    """The entry for another model, which has the same numbers."""
    copy: dict[str, Any] = json.loads(json.dumps(benchmark))
    for told in (copy["extra_info"], copy["extra_info"]["perfkit"]):
        if "model" in told:
            told["model"] = f"{told['model']}-{number}"
    return copy


def opening_ms(browser: Browser, path: Path) -> float:
    """Median milliseconds from the request to the page's scripts having run."""
    times = []
    for _ in range(OPENINGS):
        page = browser.new_page()
        page.goto(path.as_uri())
        times.append(page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"))
        page.close()
    return float(median(times))


def picture(browser: Browser, path: Path, name: str, *, scheme: str, at: str = "", height: int = 900) -> None:
    """A picture of the window as the page opens there, in a palette so that it stays small."""
    from PIL import Image

    page = browser.new_page(viewport={"width": 1360, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(path.as_uri())
    if at:
        go_to(page, at)
    page.wait_for_timeout(500)  # what scrolls into sight begins to be drawn
    page.wait_for_function(ALL_DRAWN)
    target = OUT / f"{name}.png"
    page.screenshot(path=target)
    page.close()
    with Image.open(target) as image:
        image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(target, optimize=True)


def go_to(page: Page, at: str) -> None:
    """Follow the first link that begins so."""
    link = page.locator(f"a[href^='{at}']").first
    page.evaluate("href => { location.hash = href; }", link.get_attribute("href"))


def make() -> None:
    """Everything, anew."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    OUT.mkdir(exist_ok=True)
    WEIGHT.parent.mkdir(exist_ok=True)
    with workplace() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        h100, cpu, many = folder / "h100.html", OUT / "cpu-slowed.html", folder / "many.html"
        faults = folder / "faults.html"
        report("h100", H100_BASELINE, h100)
        report(f"{CPU}/slowed-10pct", f"{CPU}/baseline.json", cpu)
        picture(browser, h100, "h100-light", scheme="light")
        picture(browser, h100, "h100-model-light", scheme="light", at=H100_MODEL, height=820)
        picture(browser, cpu, "cpu-slowed-case-dark", scheme="dark", at=SLOWED, height=820)
        report(f"{FAULTS}/faults", f"{FAULTS}/baseline.json", faults)
        picture(browser, faults, "faults-light", scheme="light", at="#cases", height=620)
        few, years = folder / "few.html", folder / "years.html"
        trend(folder, *MADE_UP["few"], few)
        trend(folder, *MADE_UP["many"], years)
        picture(browser, few, "trend-light", scheme="light", at="#charts")
        report(str(many_cases(folder)), f"{CPU}/baseline.json", many)
        pages = {
            "H100, slowed by 10%": h100,
            "CPU, slowed by 10%": cpu,
            f"CPU, {COPIES} times": many,
            f"--trend, {MADE_UP['many'][0]} made-up nights": years,
        }
        found = [
            {
                "report": name,
                "cases": path.read_text("utf-8").count("<tr data-case="),
                "bytes": path.stat().st_size,
                "opening_ms": opening_ms(browser, path),
            }
            for name, path in pages.items()
        ]
        told = {"chromium": browser.version} | described()
        browser.close()
    WEIGHT.write_text(json.dumps({**told, "openings": OPENINGS, "reports": found}, indent=2) + "\n", encoding="utf-8")


def weight_table() -> list[str]:
    """One row a report."""
    data = json.loads(WEIGHT.read_text("utf-8"))
    lines = ["| report | cases | size | opens in |", "|---|---|---|---|"]
    lines += [
        f"| {each['report']} | {each['cases']} | {each['bytes'] / 1e6:.1f} MB | {each['opening_ms'] / 1e3:.2f} s |"
        for each in data["reports"]
    ]
    how = f"Chromium {data['chromium']}, headless, {data['machine']}, {data['datetime'][:10]}, from a disk; medians"
    return [*lines, "", f"{how} of {data['openings']} openings. At most {MOST_TIMES:,} rounds' times are in a page."]


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"weight": weight_table()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Example reports for docs/reports.md.")
    parser.add_argument("--make", action="store_true", help="pictures, page and weights as well")
    if parser.parse_args().make:
        make()
    PAGE.write_text(main(), "utf-8")
