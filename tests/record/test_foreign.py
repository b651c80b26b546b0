"""The pattern that names others' tests: what a regular expression would find, in a time that no name makes long."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.errors import UserError
from perfkit.record.foreign import Pattern

OTHERS = st.lists(st.sampled_from(["*", "-", "a", "a-", "]", "{", "{b"]), max_size=4)
PARTS = st.builds(lambda fields, others: fields + others, st.just(["{model}", "{variant}"]), OTHERS) | st.builds(
    lambda fields, others: fields + others, st.just(["{model}", "{variant}", "{shape}"]), OTHERS
)


def as_regex(parts: list[str]) -> re.Pattern[str]:
    lazy = {"*": ".*?", **{f"{{{name}}}": f"(?P<{name}>.+?)" for name in ("model", "variant", "shape")}}
    return re.compile("".join(lazy.get(part) or re.escape(part) for part in parts), re.DOTALL)


@given(parts=PARTS.flatmap(st.permutations), name=st.text("-a]{b\n", max_size=12))
def test_fields_are_those_of_lazy_groups(parts: list[str], name: str) -> None:
    expected = as_regex(parts).fullmatch(name)
    found = Pattern("".join(parts)).fields(name)
    assert found == (None if expected is None else {"shape": "any", **expected.groupdict()})


def test_no_name_takes_long() -> None:
    """A regular expression would be at it for longer than anybody waits; this is done in milliseconds."""
    pattern = Pattern("*{model}-*-{variant}-*-{shape}-*x")
    assert pattern.fields("-" * 10_000) is None
    assert pattern.fields("-" * 10_001 + "x") is None
    found = pattern.fields("a" + "-" * 5000 + "x")
    assert found == {"shape": "-", "model": "a", "variant": "-"}


@pytest.mark.parametrize("text", ["{model}", "{variant}", "{model}{variant}{model}", "{model}{variant}{x}", "{}", ""])
def test_a_pattern_names_model_and_variant_once(text: str) -> None:
    with pytest.raises(UserError, match=r"needs \{model\} and \{variant\} once each"):
        Pattern(text)
