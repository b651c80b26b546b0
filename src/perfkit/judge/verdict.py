"""What a judgement is: verdicts as data, decided once, so that every report tells the same."""

from collections import Counter
from collections.abc import Sized
from enum import StrEnum
from typing import Literal

from pydantic import computed_field

from perfkit.catalog.case import CaseId
from perfkit.exit_codes import ExitCode
from perfkit.judge.metric import Metric
from perfkit.record.facts import Better
from perfkit.record.model import Model, OfCase
from perfkit.record.replicate import Tail


class Verdict(StrEnum):
    """The word for a case; declared from worst to best, which is the order of every report."""

    BROKEN = "BROKEN"
    """A wrong answer, a number that can't be true, or a lost reference."""
    MISSING = "MISSING"
    """Expected by the plan or by the baseline, and not measured."""
    REGRESSED = "REGRESSED"
    """Slower beyond what chance explains, or what was built or is answered got worse."""
    INCONCLUSIVE = "INCONCLUSIVE"
    """Could not be told apart from noise, or not compared for a named reason."""
    WAIVED = "WAIVED"
    """Got worse, and somebody accepts so much of it until a day (``perfkit-waivers.toml``)."""
    NEW = "NEW"
    """The baseline doesn't know the case."""
    PASS = "PASS"  # noqa: S105  (a verdict, no password)
    """Nothing got worse, and a slowdown of the case's tolerance would have been seen."""
    IMPROVED = "IMPROVED"
    """Faster beyond what chance explains, by the variant's own doing."""

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Verdict).index(self)

    @property
    def fails(self) -> bool:
        """Whether one such case fails the run."""
        return self in (Verdict.BROKEN, Verdict.MISSING, Verdict.REGRESSED)


class Moved(StrEnum):
    """Which side moved, where a verdict needs that said."""

    VARIANT = "variant"
    """The variant's own time, and not the reference's."""
    REFERENCE = "reference"
    """The reference alone: the variant takes what it took."""
    BOTH = "both"
    """The variant, and the reference beyond its own threshold as well."""
    COMMON = "common"
    """Everything of the night moved alike: host, driver or clocks."""
    HOST = "host"
    """The wall clock alone: launching, not the device."""
    ENGINE = "engine"
    """No clock: what was built got worse, or what it answers."""


class MetricRow(Model):
    """One metric of a case: speedups as factors, times in seconds; None where a side has none."""

    metric: Metric
    baseline: float | None = None
    current: float | None = None
    change_pct: float | None = None
    """Of the number shown: +5 is a larger speedup or a longer time."""
    change_low_pct: float | None = None
    """The change's interval: with 95% confidence it isn't below."""
    change_high_pct: float | None = None
    """Nor above."""
    detectable_pct: float | None = None
    """The smallest slowdown that would have been seen with 80% power, in percent of the time."""
    baseline_replicates: int = 0
    current_replicates: int = 0
    verdict: Verdict | None = None
    """None where there was nothing to compare with."""


class CustomMetricRow(Model):
    """A metric of the user's own: medians over the replicates of each side, judged by its own tolerance."""

    name: str
    unit: str
    better: Better
    tolerance_pct: float
    baseline: float | None = None
    current: float | None = None
    change_pct: float | None = None
    """Of the number shown."""
    baseline_replicates: int = 0
    current_replicates: int = 0
    verdict: Verdict | None = None
    """None where the case wasn't compared or the baseline has no such metric."""
    reason: str = ""


class AppliedWaiver(Model):
    """The waiver that a WAIVED row has, as its file says it."""

    number: int
    """Which ``[[waiver]]`` of the file, from 1."""
    case: str
    metric: str
    size: str
    owner: str
    reason: str
    expires: str


class Row(OfCase):
    """One case: its verdict, the reason in a line, and the numbers behind it."""

    verdict: Verdict
    compared: bool = False
    """Whether its numbers were compared with the baseline's."""
    disturbed: bool = False
    """Most rounds of every replicate were disturbed: measured again, it may be compared."""
    reason: str = ""
    moved: Moved | None = None
    deciding: Metric | None = None
    detectable_pct: float | None = None
    """The smallest slowdown that would have been seen with 80% power, by the deciding metric or by the time itself."""
    tail: Tail | None = None
    """Of the run's wall times, in the replicate that has the longest; reported, never judged."""
    drift_pct: float | None = None
    """How much slower than its anchor, in percent of the time; None within the tolerance or without an anchor."""
    waiver: AppliedWaiver | None = None
    """Of a WAIVED row."""
    metrics: tuple[MetricRow, ...] = ()
    custom_metrics: tuple[CustomMetricRow, ...] = ()
    """The user's own, by name."""
    notes: tuple[str, ...] = ()

    def metric(self, metric: Metric) -> MetricRow | None:
        """The row's numbers for a metric."""
        return next((row for row in self.metrics if row.metric is metric), None)


class FindingKind(StrEnum):
    """What a finding is about."""

    COMMON_SHIFT = "common shift"
    """All cases got slower or faster alike; taken out of each before it is judged."""
    DRIFT = "slow drift"
    """Slower than the anchor by more than is tolerated, though no night showed it."""
    OWN_BASELINE = "own baseline"
    """The baseline isn't the one that the base branch has: a change may have brought it."""
    INT8_SLOWER = "int8 slower than fp16"
    """Of one backend on one shape."""
    GRAPH_SLOWER = "graph slower than plain"
    """A variant replayed from a CUDA graph takes longer than called as it is."""
    TOO_GOOD = "too good to be true"
    """A gain of more than 2x, or a device time below the roofline."""
    NOISE_FLOOR = "noise floor"
    """By how much the reference differs from itself."""
    TAILS = "tails"
    """Rounds that took more than twice their case's median."""
    INJECTED = "injected fault"
    """A fault that was put in on purpose."""
    SKIPPED = "skipped"
    """Variants that can't run here, with their reasons."""
    SHARD = "shard"
    """Only a part of a run is judged."""
    INCOMPLETE = "incomplete"
    """Something of the run isn't there or can't be read: what is shown is not all of it."""


class Finding(Model):
    """Something about the whole run, or about a case without being its verdict; one sentence."""

    kind: FindingKind
    text: str
    cases: tuple[CaseId, ...] = ()


def cases_in_words(cases: Sized) -> str:
    """How many: ``1 case``, ``3 cases``."""
    return f"{len(cases)} case{'s' if len(cases) != 1 else ''}"


class Suspect(Model):
    """What else differs between baseline and run."""

    what: str
    baseline: str
    current: str


class Side(Model):
    """One of the two sides of a comparison, in words for a report's head."""

    source: str
    """The file, or the folder that all of several lie in."""
    replicates: int
    commits: tuple[str, ...]
    hardware: str
    file_commit: str | None = None
    """Of a baseline's file, the commit that changed it last; None where git doesn't know it."""
    is_uncommitted: bool = False
    """The file has changes that no commit has."""
    base_branch: str | None = None
    """The branch that the baseline's file was held to; None where none is known."""
    is_as_in_base: bool | None = None
    """Whether that branch has the same file."""


class RefusalKind(StrEnum):
    """Why nothing could be judged."""

    NO_BASELINE = "no baseline"
    """None for this hardware, or none was asked for."""
    SAME_RUN = "same run"
    """A run against itself or a copy of it, or against one that has a shard of it."""
    OTHER_HARDWARE = "other hardware"
    """The baseline is of another machine."""
    MIXED_HARDWARE = "mixed hardware"
    """The run's own replicates are of several."""
    MIXED_SHARDS = "mixed shards"
    """Replicates of different parts of a suite: perfkit merge makes one run of them."""
    NOTHING_COMPARABLE = "nothing comparable"
    """No case was measured on both sides under the same conditions."""


class Refusal(Model):
    """Why nothing could be judged, in a sentence with the next step."""

    kind: RefusalKind
    text: str


class Judgement(Model):
    """The whole outcome of judging a run. Rows stand worst first."""

    kind: Literal["perfkit-judgement"] = "perfkit-judgement"
    schema_version: Literal[1] = 1
    run: Side
    baseline: Side | None
    refusal: Refusal | None = None
    """None when something was judged."""
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...] = ()
    suspects: tuple[Suspect, ...] = ()

    @property
    def has_shifted(self) -> bool:
        """Whether all cases got slower or faster alike."""
        return any(finding.kind is FindingKind.COMMON_SHIFT for finding in self.findings)

    @computed_field  # type: ignore[prop-decorator] # mypy takes no decorator above property
    @property
    def exit_code(self) -> ExitCode:
        """What the run ends with.

        A BROKEN case fails even where nothing could be compared: it needs no baseline to be wrong,
        and a step that tolerates "no baseline yet" must not swallow it.
        """
        verdicts = {row.verdict for row in self.rows}
        if self.refusal is not None:
            return ExitCode.FAIL if Verdict.BROKEN in verdicts else ExitCode.NOT_JUDGED
        if any(verdict.fails for verdict in verdicts):
            return ExitCode.FAIL
        if Verdict.INCONCLUSIVE in verdicts:
            return ExitCode.INCONCLUSIVE
        return ExitCode.PASS

    @computed_field  # type: ignore[prop-decorator] # mypy takes no decorator above property
    @property
    def counts(self) -> dict[Verdict, int]:
        """How many rows have each verdict, worst first; verdicts that nothing got are left out."""
        counted = Counter(row.verdict for row in self.rows)
        return {verdict: counted[verdict] for verdict in Verdict if counted[verdict]}

    @computed_field  # type: ignore[prop-decorator] # mypy takes no decorator above property
    @property
    def summary(self) -> str:
        """One line: what was compared with what, and how it came out."""
        compared = sum(row.compared for row in self.rows)
        against = self.baseline.source if self.baseline else "no baseline"
        counts = ", ".join(f"{count} {verdict}" for verdict, count in self.counts.items())
        return f"{compared} compared against {against} of {len(self.rows)} cases: {counts or 'none'}"
