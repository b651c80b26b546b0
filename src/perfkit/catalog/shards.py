"""Dividing a plan among machines that don't know each other: each must come to the same division by itself."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from perfkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from perfkit.catalog.plan import Plan

_TEXT = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,3})")


class ShardOf(NamedTuple):
    """Which part, from 1, of how many."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def parse_shard(text: str) -> ShardOf:
    """``"2/4"``: the second of four.

    Raises UserError for anything else, and for a number beyond the last.
    """
    found = _TEXT.fullmatch(text)
    if found is None or int(found[1]) > int(found[2]):
        raise UserError(f"--shard {text!r}: give which of how many, as 1/3, 2/3 and 3/3")
    return ShardOf(int(found[1]), int(found[2]))


def split(labels: Sequence[str], seconds: Mapping[str, float], of: int) -> tuple[tuple[str, ...], ...]:
    """The labels in ``of`` parts that take about as long, by the seconds that each takes; in each in the order given.

    The longest first, each to the part that has the least so far (Graham, 1969: no part is longer than 4/3 of what is
    possible). Of equals the first counts, so that the same input has one division. A part may be empty where there are
    fewer labels than parts.
    """
    parts: list[list[str]] = [[] for _ in range(of)]
    taken_s = [0.0] * of
    for label in sorted(labels, key=lambda label: -seconds[label]):  # sorting is stable
        least = min(range(of), key=lambda part: (taken_s[part], len(parts[part])))
        parts[least].append(label)
        taken_s[least] += seconds[label]
    return tuple(tuple(label for label in labels if label in part) for part in parts)


def part_of(plan: Plan, seconds: Mapping[str, float], shard: ShardOf) -> Plan:
    """What one shard measures of the plan: whole models, for all cases of a model share its reference and engines.

    Raises UserError where there are more shards than models.
    """
    labels = [model.label for model in plan.models]
    if shard.of > len(labels):
        count = f"{len(labels)} model{'s' if len(labels) != 1 else ''}"
        raise UserError(f"--shard {shard}: suite {plan.suite!r} has {count}, which is the most shards that it makes")
    own = split(labels, seconds, shard.of)[shard.number - 1]
    return replace(plan, models=tuple(model for model in plan.models if model.label in own))
