"""No fault of the case list is without a test: README.md lists them, a marker says which test holds perfkit to one."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[1]
README = Path(__file__).with_name("README.md")
CASES = 30


def listed() -> dict[str, set[str]]:
    """By id the files whose tests hold perfkit to it, as the page has them."""
    rows = re.findall(r"^\| (\w+) \| [^|]+ \| ([^|]+) \|$", README.read_text("utf-8"), flags=re.MULTILINE)
    return {case: set(re.findall(r"`([^`]+)`", files)) for case, files in rows if case != "id"}


def marked() -> dict[str, set[str]]:
    """The same as the tests' markers have it."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(TESTS.rglob("test_*.py")):
        for case in _markers(ast.parse(path.read_text("utf-8"))):
            found[case].add(path.relative_to(TESTS).as_posix())
    return dict(found)


def _markers(module: ast.Module) -> Iterator[str]:
    for test in ast.walk(module):
        if isinstance(test, ast.FunctionDef):
            for decorator in test.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.case":
                    (argument,) = decorator.args
                    yield ast.literal_eval(argument)


def test_every_case_has_a_test_where_the_page_says() -> None:
    assert len(listed()) == CASES
    assert listed() == marked()


def test_every_input_is_a_listed_case() -> None:
    assert {path.name for path in (TESTS / "cases" / "inputs").iterdir()} <= set(listed())


def test_a_test_that_is_named_for_a_case_is_marked_with_it() -> None:
    for path in TESTS.rglob("test_*.py"):
        for test in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(test, ast.FunctionDef) and (found := re.match(r"test_((?:[abcd]\d\d[ab]?_)+)", test.name)):
                own = {case.lower() for case in _markers(ast.Module([test], []))}
                assert set(found[1].strip("_").split("_")) <= own, f"{path}: {test.name}"
