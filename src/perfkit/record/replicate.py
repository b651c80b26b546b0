"""What one replicate says about a case: one number per metric, the unit of all statistics.

These models are both what a run file is reduced to and what a baseline file stores.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from perfkit.catalog.case import Platform
from perfkit.record.dates import order
from perfkit.record.facts import CustomMetric, Work
from perfkit.record.model import Duration, Finite, Model, OfCase
from perfkit.record.schema import Agreement, DeviceBy, Hardware, Outcome
from perfkit.record.shard import Shard

SHORTEST_S, LONGEST_S = 1e-9, 1e5
"""No call of a model takes less than a nanosecond or more than a day; such a time is no time."""
SIGNIFICANT_DIGITS = 6

Time = Annotated[float, Field(ge=SHORTEST_S, le=LONGEST_S)]
RelativeError = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class RoundModes(Model):
    """Two groups of rounds whose times lie apart: the median of each, and how many there are."""

    fast_s: Time
    slow_s: Time
    fast: int = Field(ge=1)
    slow: int = Field(ge=1)


class Timing(Model):
    """One clock's medians over the rounds, with their standard errors within the replicate.

    Standard errors are relative; None says that there were too few rounds to know. The reference's
    numbers are None where the reference wasn't measured with the case.
    """

    variant_s: Time
    variant_se: RelativeError | None = None
    reference_s: Time | None = None
    reference_se: RelativeError | None = None
    log_speedup: Annotated[Finite, Field(ge=-50, le=50)] | None = Field(
        default=None, description="median over rounds of the natural log of reference / variant"
    )
    log_speedup_se: RelativeError | None = None
    modes: RoundModes | None = Field(
        default=None, description="of the variant's times, where its rounds have two; None too where rounds aren't kept"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.reference_s is None) != (self.log_speedup is None):
            raise ValueError("reference_s and log_speedup come together")
        return self


class Tail(Model):
    """What the median leaves out of the variant's wall times."""

    p95_s: Time
    p99_s: Time
    max_s: Time
    spikes: int = Field(ge=0, description="rounds that took more than twice the median")


class Sample(OfCase):
    """One case in one replicate."""

    rounds: int = Field(ge=1)
    paired: bool = Field(description="reference and variant were measured in the same rounds")
    first_round_ratio: float | None = Field(
        default=None, description="first round over the median of the others, where rounds are kept"
    )
    wall: Timing
    device: Timing | None = None
    tail: Tail | None = Field(default=None, description="reported, never judged; None where rounds aren't kept")
    comparability: dict[str, str]
    facts: dict[str, int | str] = Field(default_factory=dict)
    engine_manifest_sha256: str | None = Field(
        default=None,
        description="of the engine in the store; told by nobody: a baseline that has it vouches for an imported engine",
    )
    agreement: Agreement | None = None
    work: Work | None = Field(default=None, description="what one call is at the least, for the roofline")
    clocks_mhz: dict[str, Finite] = Field(
        default_factory=dict, description="the GPU's clocks beside the rounds, medians"
    )
    disturbed: dict[str, int] = Field(default_factory=dict, description="rounds by what disturbed them")
    spoiled: bool = Field(default=False, description="most rounds were disturbed: the times prove nothing")
    costs: dict[str, Finite] = Field(
        default_factory=dict, description="what the case costs beside its latency; units stand in the names"
    )
    custom_metrics: dict[str, CustomMetric] | None = Field(default=None, description="the user's own, by name")
    spent_s: dict[str, Duration] | None = Field(
        default=None,
        description="what its rounds took, and building or loading its variant, which all its shapes share",
    )

    @property
    def device_by(self) -> str:
        """How its device times were taken, if it has any; before there were replays nobody wrote it down."""
        return self.comparability.get("device_by", DeviceBy.QUEUED)


class Replicate(Model):
    """All measured cases of one fresh process, in the order of their identities."""

    run_id: str = Field(description="digest of date, commit and samples: a copy has the same")
    shard_ids: list[str] | None = Field(
        default=None, description="run_id of each shard that it was merged of; None: it wasn't, or nobody wrote it down"
    )
    datetime: str
    commit: str
    suite: str
    platform: Platform
    software: dict[str, str]
    settings: dict[str, str]
    samples: list[Sample]

    @property
    def sound(self) -> list[Sample]:
        """The samples that prove something: not spoiled."""
        return [sample for sample in self.samples if not sample.spoiled]

    @property
    def all_ids(self) -> set[str]:
        """Its own, and those of the shards in it: what no other replicate has."""
        return {self.run_id, *(self.shard_ids or ())}

    @property
    def short_commit(self) -> str:
        """The commit as people read it."""
        return short_commit(self.commit)

    @model_validator(mode="after")
    def _each_case_once(self) -> Self:
        cases = [sample.case for sample in self.samples]
        if len(set(cases)) != len(cases):
            raise ValueError("a case stands twice in one replicate")
        return self


class Run(Model):
    """One run file: a replicate, and how every case of its plan ended."""

    source: str
    hardware: Hardware
    replicate: Replicate
    outcomes: list[Outcome]
    injected: str | None = None
    incomplete: str | None = Field(default=None, description="why it isn't all of the replicate, in words")
    shard: Shard | None = Field(default=None, description="which part of a run it is; None: all of it")


def short_commit(commit: str) -> str:
    """A commit in twelve digits, ``+dirty`` when the tree had changes."""
    digits, dirty, _ = commit.partition("+")
    return digits[:12] + ("+dirty" if dirty else "")


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Versions and settings that differ: their names, and what they were and are; ``absent`` where there is none."""
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield name, before.get(name, "absent"), after.get(name, "absent")


def by_date(replicate: Replicate) -> tuple[float, str, str]:
    """What replicates are sorted by: the same order whatever the order of their files."""
    return *order(replicate.datetime), replicate.run_id


def distinct(runs: Iterable[Run]) -> list[Run]:
    """Each replicate once: a copy of its file must not pass for a second one."""
    return list({run.replicate.run_id: run for run in runs}.values())


def rounded(value: float) -> float:
    """The value with six significant digits, enough for any comparison and short in diffs."""
    if value == 0:
        return 0.0
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
