"""Looks at the built site in the machine's own Chromium: ``python docs/scripts/site.py FOLDER``; tox -e docs does.

The browser has no network. Every page must open without an error on its console and without a request for anything
but the site's own files, show its tables and pictures, keep to the width of a phone, and have a link that leads to it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

_GENERATED = {"genindex.html", "search.html"}
"""Sphinx's own; no page links to the index of a language that has no entries."""
_WIDE, _NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
_IN_PAGE = """() => ({
  pictures: [...document.querySelectorAll('article img')].filter(img => !img.naturalWidth).map(img => img.src),
  raw: [...document.querySelectorAll('article p')].map(each => each.innerText).filter(text => /\\|\\s*---/.test(text)),
  links: [...document.querySelectorAll('a[href]')].map(each => each.href),
  wide: [...document.querySelectorAll('article *')]
    .filter(each => !each.closest('.highlight, .table-wrapper, .headerlink'))
    .filter(each => each.getBoundingClientRect().right > innerWidth + 1).map(each => each.outerHTML.slice(0, 80)),
})"""


def problems(folder: Path, page: Page) -> Iterator[str]:
    """What is wrong, a line each."""
    start = folder.as_uri() + "/"
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on(
        "request", lambda request: None if request.url.startswith(start) else told.append(f"asks for {request.url}")
    )
    page.on("requestfailed", lambda request: told.append(f"lacks {request.url}"))
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.html") if "_downloads" not in path.parts}
    linked = {"index.html"}
    for name in sorted(names):
        page.set_viewport_size(_WIDE)  # type: ignore[arg-type]  # a TypedDict
        page.goto(start + name)
        found = page.evaluate(_IN_PAGE)
        page.set_viewport_size(_NARROW)  # type: ignore[arg-type]
        found["wide"] = page.evaluate(_IN_PAGE)["wide"]
        yield from (f"{name}: {line}" for line in told)
        told.clear()
        yield from (f"{name}: a picture that isn't there: {source}" for source in found["pictures"])
        yield from (f"{name}: a table that is shown as text: {text[:80]}" for text in found["raw"])
        yield from (f"{name}: wider than a phone: {html}" for html in found["wide"][:1])
        linked |= {link.removeprefix(start).partition("#")[0] for link in found["links"] if link.startswith(start)} - {
            name
        }
    yield from (f"{name}: no page links to it" for name in sorted(names - linked - _GENERATED))


def main() -> int:
    """1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.stderr.write("no Chromium here, so that nobody looked at the pages: apt-get install chromium\n")
        return 0
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(offline=True)
        found = list(problems(folder, context.new_page()))
        browser.close()
    sys.stderr.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
