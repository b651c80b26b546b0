"""The reference pages that come from the code: ``python docs/scripts/reference.py`` writes them.

Commands and their options as typer has them, pytest's options, keys of the configuration, verdicts and all that a
judgement says, fields of every file. tests/docs/test_reference.py holds the pages to them.
"""

from __future__ import annotations

import ast
import enum
import inspect
import io
import os
import re
import textwrap
import tomllib
from contextlib import redirect_stdout
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from unittest import mock

import typer
from blocks import with_blocks
from pydantic import BaseModel

from perfkit.catalog.config import Config
from perfkit.cli import main
from perfkit.cli.app import app, load_command
from perfkit.exit_codes import ExitCode
from perfkit.judge.verdict import FindingKind, Judgement, Moved, RefusalKind, Verdict
from perfkit.plugin.options import add_options
from perfkit.record.baseline_file import BaselineFile
from perfkit.record.schema import CaseRecord, RunRecord
from perfkit.report.table import SYMBOLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DOCS = Path(__file__).resolve().parents[1]
_MADE = "Made by `python docs/scripts/reference.py` from the code; do not edit by hand."


def cell(text: str) -> str:
    """In a row of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("``", "`")


def row(*cells: str) -> str:
    """A row of a table."""
    return f"| {' | '.join(cell(each) for each in cells)} |"


def _prose(text: str) -> list[str]:
    paragraphs = inspect.cleandoc(text).replace("``", "`").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).splitlines()


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """With its head."""
    return [row(*heads), "|---" * len(heads) + "|", *(row(*each) for each in rows)]


def commands() -> Iterator[tuple[str, ...]]:
    """Every command, and behind each group those of the group."""
    program: Any = typer.main.get_command(app)
    for name in program.list_commands(None):
        yield (name,)
        group = load_command(name)
        for part in group.list_commands(None) if hasattr(group, "list_commands") else ():
            yield (name, part)


def shown_help(*command: str) -> str:
    """What ``--help`` prints on a terminal of 80 columns, without colours."""
    out = io.StringIO()
    with mock.patch.dict(os.environ, {"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}), redirect_stdout(out):
        for name in ("FORCE_COLOR", "PY_COLORS"):
            os.environ.pop(name, None)
        main([*command, "--help"])
    return out.getvalue()


def cli() -> str:
    """Every command, and pytest's options."""
    codes = table(("code", "meaning"), [(str(int(code)), code.meaning) for code in ExitCode])
    lines = [
        "# Commands",
        "",
        _MADE,
        "Every command ends with one of these ([exit-codes.md](../exit-codes.md)):",
        "",
        *codes,
    ]
    for command in commands():
        lines += ["", f"{'##' if len(command) == 1 else '###'} perfkit {' '.join(command)}", "```text"]
        lines += [*shown_help(*command).rstrip().splitlines(), "```"]
    lines += [
        "",
        "## pytest",
        "perfkit is a plugin of pytest. [configuration.md](../configuration.md#options-of-pytest) says more of",
    ]
    lines += ["some of these.", "", *table(("option", "value", "what it does"), pytest_options())]
    return "\n".join([*lines, ""])


def pytest_options() -> list[tuple[str, str, str]]:
    """As the plugin declares them; those without a help are for perfkit itself."""
    found: list[tuple[str, str, str]] = []

    class Parser:
        def getgroup(self, *_: str) -> Parser:
            return self

        def addoption(self, name: str, *, help: str, **settings: Any) -> None:  # noqa: A002  (pytest's name)
            value = settings.get("metavar") or ", ".join(f"`{each}`" for each in settings.get("choices", []))
            if "SUPPRESS" not in help:
                found.append((f"`{name}`", value, help))

    add_options(Parser())  # type: ignore[arg-type]  # all of pytest's parser that it uses
    return found


def configuration() -> list[str]:
    """Every key of perfkit.toml, with what perfkit ships."""
    shipped = tomllib.loads(resources.files("perfkit.catalog").joinpath("suites.toml").read_text("utf-8"))
    rows: list[tuple[str, str, str, str]] = []
    for name, field in Config.model_fields.items():
        (kind,) = [each for each in (field.annotation, *get_args(field.annotation)) if _is_model(each)]
        many = kind is not field.annotation
        told = documented(kind)
        for key, entry in kind.model_fields.items():
            default = shipped.get(name, {}).get(key) if not many else None
            if default is None and not entry.is_required():
                default = entry.get_default(call_default_factory=True)
            shown = f"`{_toml(default)}`" if default is not None and not _is_model(type(default)) else ""
            place = f'[{name}."NAME"]' if many else f"[{name}]"
            rows.append((f"`{place} {key}`", f"`{_type(told[key][0])}`", shown, _limits(entry, told[key][1])))
    return table(("key", "type", "shipped", "limits, and what the name doesn't say"), rows)


def _type(written: str) -> str:
    return re.sub(r"Annotated\[(\w+), .*\]", r"\1", written)


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


def _limits(field: Any, text: str) -> str:
    limits = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    found = [
        f"{word} {getattr(each, name)}"
        for each in field.metadata
        for name, word in limits.items()
        if hasattr(each, name)
    ]
    return "; ".join(part for part in (text, ", ".join(found)) if part)


def _is_model(kind: object) -> bool:
    return inspect.isclass(kind) and issubclass(kind, BaseModel)


def documented(kind: type) -> dict[str, tuple[str, str]]:
    """Of a model's fields or an enumeration's members: the type as written, and what is said of it."""
    found: dict[str, tuple[str, str]] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("perfkit."):
            found |= _written(base)
    return found


def _written(kind: type) -> dict[str, tuple[str, str]]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    found: dict[str, tuple[str, str]] = {}
    for number, line in enumerate(body.body):
        if not isinstance(line, ast.Assign | ast.AnnAssign):
            continue
        target = line.targets[0] if isinstance(line, ast.Assign) else line.target
        after = body.body[number + 1] if number + 1 < len(body.body) else None
        text = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            text = after.value.value
        elif isinstance(line.value, ast.Call):
            given = [each.value for each in line.value.keywords if each.arg == "description"]
            text = str(ast.literal_eval(given[0])) if given else ""
        if isinstance(target, ast.Name):
            found[target.id] = (ast.unparse(line.annotation) if isinstance(line, ast.AnnAssign) else "", text)
    return found


def verdicts() -> str:
    """What a judgement can say."""

    def words(kind: type[enum.StrEnum]) -> list[tuple[str, str]]:
        told = documented(kind)
        return [(each.value, told[each.name][1]) for each in kind]

    fails = {verdict.value: verdict.fails for verdict in Verdict}
    rows = [(f"{SYMBOLS[Verdict(word)]} {word}", "yes" if fails[word] else "no", text) for word, text in words(Verdict)]
    return "\n".join(
        [
            *("# Verdicts", "", _MADE, "How they come about: [judging.md](../judging.md).", "", "## Of a case"),
            *("From worst to best, which is the order of every report.", ""),
            *table(("verdict", "fails the run", "when"), rows),
            *("", "## Which side moved", "", *table(("moved", "meaning"), words(Moved))),
            *("", "## Findings", "Beside the verdicts; none changes the exit code.", ""),
            *table(("finding", "meaning"), words(FindingKind)),
            *(
                "",
                "## Why nothing could be judged",
                "Exit code 10.",
                "",
                *table(("refusal", "meaning"), words(RefusalKind)),
            ),
            "",
        ]
    )


def schema() -> str:
    """Every field of every file."""
    lines = ["# Files", "", _MADE, "The same for programs, as JSON Schema:"]
    lines += [f"- [`{name}`](../schema/{name}.schema.json)" for name in ("run", "case", "baseline", "judgement")]
    lines += [
        "",
        "Units stand in the names: `_s` seconds, `_ms` milliseconds, `_bytes`, `_pct` percent. None is `null`.",
    ]
    seen: set[type] = set()
    for root, title, where in (
        (RunRecord, "A run", "The key `perfkit` of a run's file, beside what pytest-benchmark writes."),
        (CaseRecord, "A case", 'The key `extra_info["perfkit"]` of each benchmark in it.'),
        (BaselineFile, "A baseline", "`results/baselines/<hardware>.json` ([baselines.md](../baselines.md))."),
        (Judgement, "A judgement", "`perfkit compare --format json`."),
    ):
        lines += ["", f"## {title}", where]
        for kind in _below(root, seen):
            lines += ["", f"### {kind.__name__}", *_prose(kind.__doc__ or ""), ""]
            if issubclass(kind, enum.Enum):
                members = documented(kind)
                lines += table(("value", "meaning"), [(f"`{each.value}`", members[each.name][1]) for each in kind])
                continue
            told = documented(kind)
            fields = [(f"`{name}`", f"`{told[name][0]}`", told[name][1]) for name in kind.model_fields]  # type: ignore[attr-defined]
            lines += table(("field", "type", "meaning"), fields)
    return "\n".join([*lines, ""])


def _below(kind: type, seen: set[type]) -> Iterator[type]:
    """A model, then the models and enumerations in its fields, each once in all."""
    if kind in seen:
        return
    seen.add(kind)
    yield kind
    for field in getattr(kind, "model_fields", {}).values():
        for each in _leaves(field.annotation):
            if inspect.isclass(each) and issubclass(each, BaseModel | enum.StrEnum):
                yield from _below(each, seen)


def _leaves(annotation: Any) -> Iterator[Any]:
    parts = get_args(annotation)
    if not parts:
        yield annotation
    for part in parts:
        yield from _leaves(part)


def pages() -> dict[Path, str]:
    """Each page with its text."""
    own = DOCS / "configuration.md"
    return {
        DOCS / "reference" / "cli.md": cli(),
        DOCS / "reference" / "verdicts.md": verdicts(),
        DOCS / "reference" / "schema.md": schema(),
        own: with_blocks(own, {"keys": configuration()}),
    }


if __name__ == "__main__":
    for page, text in pages().items():
        page.parent.mkdir(exist_ok=True)
        page.write_text(text, "utf-8")
