"""The difference of two engines' layers.

Layers are matched by what they compute: those that share an operator of the model, on either side, belong together,
so that a lost fusion is one layer against several. A layer without operators is the builder's own and goes by kind and
name. Two exporters call the same operator by different names; layers of such engines are matched by the model's
modules. Where those are unknown too, what remains comparable are sums by kind.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from perfkit.record.layers import EngineLayer

RETIMED_SHARE = 0.10
RETIMED_S = 1e-6
"""A layer is retimed where its time differs by more than both: profilers count in microseconds."""


class ChangeKind(StrEnum):
    """What happened to a layer from A to B."""

    LOST = "lost"
    ADDED = "added"
    SPLIT = "split"
    FUSED = "fused"
    PRECISION = "precision"
    TACTIC = "tactic"
    RETIMED = "retimed"


@dataclass(frozen=True, slots=True)
class LayerChange:
    """The layers that compute the same operators, on both sides; empty: not there."""

    kind: ChangeKind
    before: tuple[EngineLayer, ...]
    after: tuple[EngineLayer, ...]
    before_s: float | None
    after_s: float | None

    @property
    def difference_s(self) -> float:
        """By how much longer it takes in B; what isn't there takes no time."""
        return (self.after_s or 0.0) - (self.before_s or 0.0)

    @property
    def name(self) -> str:
        """An operator or module that both sides compute, else an operator of either, else the layer's name."""
        before, after = ([name for layer in side for name in layer.operators] for side in (self.before, self.after))
        modules = [[name for layer in side for name in layer.modules] for side in (self.before, self.after)]
        if not set(before) & set(after) and (both := [name for name in modules[0] if name in modules[1]]):
            return both[0]
        names = [name for name in before if name in after] or before or after
        # What the builder adds has a number; the model's own have a path.
        paths = [name for name in names if "." in name or "/" in name]
        return next(iter(paths or names), (self.before or self.after)[0].name)


@dataclass(frozen=True, slots=True)
class KindSum:
    """All layers of a kind and precision on both sides."""

    kind: str
    precision: str
    before: int
    after: int
    before_s: float
    after_s: float


def differences(before: Iterable[EngineLayer], after: Iterable[EngineLayer], shape: str) -> list[LayerChange]:
    """What differs, the largest difference of time first; times are those at the shape, where there are any."""
    changes = []
    for a, b in _matched(list(before), list(after)):
        a_s, b_s = _time_s(a, shape), _time_s(b, shape)
        kind = _kind(a, b, a_s, b_s)
        if kind is not None:
            changes.append(LayerChange(kind, a, b, a_s, b_s))
    return sorted(changes, key=lambda change: (-abs(change.difference_s), change.kind, change.name))


def sums(before: Iterable[EngineLayer], after: Iterable[EngineLayer], shape: str) -> list[KindSum]:
    """Layers and their time by kind and precision, the largest difference of time first."""
    found: dict[tuple[str, str], list[list[EngineLayer]]] = defaultdict(lambda: [[], []])
    for side, layers in enumerate((before, after)):
        for layer in layers:
            found[layer.kind, layer.precision][side].append(layer)
    rows = [
        KindSum(kind, precision, len(a), len(b), _time_s(a, shape) or 0.0, _time_s(b, shape) or 0.0)
        for (kind, precision), (a, b) in found.items()
    ]
    return sorted(rows, key=lambda row: (-abs(row.after_s - row.before_s), row.kind, row.precision))


def _matched(
    before: Sequence[EngineLayer], after: Sequence[EngineLayer]
) -> list[tuple[tuple[EngineLayer, ...], tuple[EngineLayer, ...]]]:
    """Groups of layers that share work: components of the graph whose edges are the layers' work."""
    parent: dict[str, str] = {}

    def root(work: str) -> str:
        while parent.setdefault(work, work) != work:
            parent[work] = work = parent[parent[work]]
        return work

    works = _work(before, after)
    for first, *others in works[0] + works[1]:
        for other in others:
            parent[root(other)] = root(first)
        root(first)
    groups: dict[str, tuple[list[EngineLayer], list[EngineLayer]]] = defaultdict(lambda: ([], []))
    for side, layers in enumerate((before, after)):
        for layer, (first, *_) in zip(layers, works[side], strict=True):
            groups[root(first)][side].append(layer)
    return [(tuple(a), tuple(b)) for a, b in groups.values()]


def _work(before: Sequence[EngineLayer], after: Sequence[EngineLayer]) -> tuple[list[list[str]], list[list[str]]]:
    """What each layer goes by: operators, or modules where the two sides name no operator alike.

    A module that several layers of both sides call (a ReLU that a block uses twice) tells nothing of which is which.
    """
    operators, modules = (
        [Counter(name for layer in side for name in names(layer)) for side in (before, after)]
        for names in (_operators, _modules)
    )
    by_operator = bool(operators[0] & operators[1])

    def work(layer: EngineLayer) -> list[str]:
        if by_operator:
            names = _operators(layer)
        else:
            names = [name for name in _modules(layer) if min(calls[name] for calls in modules) <= 1]
        # A kernel's name tells the builder's own layers apart, which may have no more than a running number.
        return names or [f"{layer.kind} {layer.name} {layer.tactic}"]

    return [work(layer) for layer in before], [work(layer) for layer in after]


def _operators(layer: EngineLayer) -> list[str]:
    return layer.operators


def _modules(layer: EngineLayer) -> list[str]:
    """TensorRT's own compiler writes a module's dots as underscores."""
    return [name.replace(".", "_") for name in layer.modules]


def _kind(
    before: Sequence[EngineLayer], after: Sequence[EngineLayer], before_s: float | None, after_s: float | None
) -> ChangeKind | None:
    if not before or not after:
        return ChangeKind.ADDED if after else ChangeKind.LOST
    if {layer.precision for layer in before} != {layer.precision for layer in after}:
        return ChangeKind.PRECISION
    if len(before) != len(after):
        return ChangeKind.SPLIT if len(before) < len(after) else ChangeKind.FUSED
    if sorted(str(layer.tactic) for layer in before) != sorted(str(layer.tactic) for layer in after):
        return ChangeKind.TACTIC
    if before_s is not None and after_s is not None:
        moved_s = abs(after_s - before_s)
        if moved_s > RETIMED_S and moved_s > RETIMED_SHARE * max(before_s, after_s):
            return ChangeKind.RETIMED
    return None


def _time_s(layers: Sequence[EngineLayer], shape: str) -> float | None:
    times_s = [layer.time_s[shape] for layer in layers if shape in layer.time_s]
    return sum(times_s) if times_s else None
