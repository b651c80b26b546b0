"""Benchmarks that perfkit did not write: cases from their names."""

from __future__ import annotations

import re
from collections import Counter
from itertools import accumulate
from operator import or_
from typing import TYPE_CHECKING, Any

from perfkit.catalog.case import REFERENCE_VARIANT
from perfkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELDS = ("model", "variant", "shape")
_TOKEN = re.compile(r"(\{\w*\}|\*)")
_LONGEST_NAME = 10_000
"""Of a test that a pattern is tried on."""
_ANY_SHAPE = "any"
"""Of a pattern that names no shape."""


class Pattern:
    """Model, variant and shape in the names of tests: ``test_infer[{model}-{variant}-{shape}]``.

    A ``*`` stands for anything, each field for what is between the characters around it. It may fit anywhere after the
    name of the file. Raises UserError for one that names no model and variant, or a field twice or unknown.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        named = re.findall(r"\{(\w*)\}", text)
        unknown = [name for name in named if name not in _FIELDS]
        if unknown or len(set(named)) != len(named) or not {"model", "variant"} <= set(named):
            raise UserError(
                f"--pattern {text!r}: needs {{model}} and {{variant}} once each, may have {{shape}} and *, nothing else"
            )
        self._parts = [part for part in _TOKEN.split(text) if part]

    def fields(self, name: str) -> dict[str, str] | None:
        """Model, variant and shape of a test's name; None where the pattern doesn't fit.

        Each field and * takes as little as it can, those before it first, as lazy groups of a regular expression would;
        these would take hours for some names, and somebody else wrote the name.
        """
        for start in (name, name.rpartition("::")[2]):
            if len(start) <= _LONGEST_NAME and (found := self._fields_of(start)) is not None:
                return {"shape": _ANY_SHAPE, **found}
        return None

    def _fields_of(self, name: str) -> dict[str, str] | None:
        # From the last part to the first, at which places of the name the parts from there on fit all that is left.
        fits = [[False] * len(name) + [True]]
        for part in reversed(self._parts):
            after = fits[-1]
            if _TOKEN.fullmatch(part):
                later = list(accumulate(reversed(after), or_))[::-1]
                least = _least(part)
                fits.append(later[least:] + [False] * least)
            else:
                padded = after + [False] * len(part)
                fits.append([padded[at + len(part)] and name.startswith(part, at) for at in range(len(name) + 1)])
        fits.reverse()
        if not fits[0][0]:
            return None
        found, at = {}, 0
        for part, after in zip(self._parts, fits[1:], strict=True):
            if _TOKEN.fullmatch(part):
                end = after.index(True, at + _least(part))
                found[part[1:-1]] = name[at:end]
                at = end
            else:
                at += len(part)
        found.pop("", None)  # what a * took
        return found


def _least(part: str) -> int:
    """How many characters a * or a field takes at least."""
    return 0 if part == "*" else 1


def named_by(pattern: Pattern, reference: str, data: Mapping[str, Any], source: str) -> tuple[dict[str, Any], int]:
    """The data with model, variant and shape in each benchmark whose name the pattern fits, and how many there are.

    The variant called `reference` becomes eager-fp32, to which speedups are relative. Raises UserError where the
    pattern fits none, or no benchmark has that variant.
    """
    benchmarks, fitting = [], Counter[str]()
    for raw in data.get("benchmarks", ()):
        name = raw.get("fullname") if isinstance(raw, dict) else None
        fields = pattern.fields(name) if isinstance(name, str) else None
        if fields is None:
            benchmarks.append(raw)
            continue
        fitting[fields["variant"]] += 1
        if fields["variant"] == reference:
            fields["variant"] = REFERENCE_VARIANT
        extra = raw.get("extra_info")
        benchmarks.append({**raw, "extra_info": {**(extra if isinstance(extra, dict) else {}), **fields}})
    if not fitting:
        names = [
            raw["fullname"] for raw in benchmarks if isinstance(raw, dict) and isinstance(raw.get("fullname"), str)
        ]
        example = f", such as {names[0]}" if names else ""
        raise UserError(
            f"{source}: the pattern {pattern.text!r} fits none of its {len(benchmarks)} benchmarks{example}"
        )
    if reference not in fitting:
        variants = ", ".join(sorted(fitting))
        raise UserError(f"{source}: no benchmark is of the variant {reference!r}; give one by --reference: {variants}")
    return {**data, "benchmarks": benchmarks}, fitting.total()
