"""What counts, by case and metric: the project's own limits where its configuration has some, else the rule's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfkit.judge import rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from perfkit.catalog.case import CaseId, Platform
    from perfkit.catalog.config import Config, Judging
    from perfkit.judge.metric import Metric


@dataclass(frozen=True, slots=True)
class Limits:
    """Entries by a glob on MODEL/VARIANT/SHAPE; the first that matches a case and has the value counts."""

    entries: tuple[tuple[str, Judging], ...] = ()

    @classmethod
    def of(cls, config: Config) -> Limits:
        """The configuration's ``[judging]``."""
        return cls(tuple(config.judging.items()))

    def tolerance(self, case: CaseId, deciding: Metric, platform: Platform) -> float:
        """The slowdown that a row must have been able to see to say PASS, on the log scale.

        Never less than twice the smallest change of the deciding metric that counts: nothing smaller could be seen.
        """
        asked = _first((entry.tolerance for entry in self._matching(case)), rule.TOLERANCE[platform])
        return max(asked, 2 * self.minimum_effect(case, deciding))

    def minimum_effect(self, case: CaseId, metric: Metric) -> float:
        """The smallest change of the metric that counts, on the log scale."""
        shares = (
            share for entry in self._matching(case) for name, share in entry.minimum_effect.items() if name == metric
        )
        return _first(shares, rule.minimum_effect(metric))

    def minimum_speeds(self, case: CaseId) -> dict[str, float]:
        """By variant, how many times as fast as it the case must be on the same shape."""
        found: dict[str, float] = {}
        for entry in self._matching(case):
            found = {**entry.minimum_speed, **found}
        return found

    def without_order(self) -> Limits:
        """The same, but demanding no order of variants: that is no change, and fails whatever is compared."""
        return Limits(tuple((glob, entry.model_copy(update={"minimum_speed": {}})) for glob, entry in self.entries))

    def _matching(self, case: CaseId) -> Iterator[Judging]:
        return (entry for pattern, entry in self.entries if case.fits(pattern))


def _first(shares: Iterable[float | None], otherwise: float) -> float:
    share = next((share for share in shares if share is not None), None)
    return otherwise if share is None else math.log1p(share)
