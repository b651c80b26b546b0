"""What every page is put together from: a template, the style, the scripts and the data of the charts, all in one file.

A policy in the page's head lets the browser run these scripts, told by their digests, and nothing else, and forbids
every request. Names and messages are escaped by the template and in the data; the policy is for what nobody thought of.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import vl_convert
from markupsafe import Markup

from perfkit import __version__
from perfkit.report.html.links import name_of
from perfkit.report.text import printable

_FILES = files(__package__)


def document(template: str, data: dict[str, Any], **context: Any) -> bytes:
    """One document in UTF-8, ending with a newline; `data` is for the page's script, `context` for the template."""
    scripts = [vega(), _FILES.joinpath("page.js").read_text("utf-8")]
    text = (
        _environment()
        .get_template(template)
        .render(
            version=__version__,
            policy=_policy(scripts),
            style=Markup(_FILES.joinpath("page.css").read_text("utf-8")),  # noqa: S704  (our own file)
            scripts=[Markup(script) for script in scripts],  # noqa: S704  (ours and vl-convert's)
            data=_json(data),
            **context,
        )
    )
    return f"{text}\n".encode()


@cache
def vega() -> str:
    """The JavaScript of Vega, Vega-Lite and Vega-Embed, from inside vl-convert's package; some 0.9 MB, no network."""
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: _FILES.joinpath(name).read_text("utf-8")),
        autoescape=True,
        finalize=_shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["id"] = name_of
    return environment


def _shown(value: object) -> object:
    """Every text that the template puts in: what doesn't show as itself is escaped before the markup is."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _json(data: Any) -> Markup:
    """JSON that can stand inside a script element: there only ``<`` could end it or begin a comment."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704  (escaped here)


def _policy(scripts: list[str]) -> str:
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
