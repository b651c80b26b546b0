"""The versioned schema of what perfkit adds to pytest-benchmark's JSON.

Two places hold it: ``benchmarks[i].extra_info["perfkit"]`` is a :class:`CaseRecord`, the top-level
key ``perfkit`` a :class:`RunRecord`. Units stand in the names. ``docs/schema/`` holds the exported
JSON Schema; a test keeps it true.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from perfkit.catalog.case import Platform
from perfkit.record.facts import BuildFacts, CustomMetric, Memory, Work
from perfkit.record.model import Duration, Finite, Model, OfCase, Seconds, Share, Told
from perfkit.record.shard import MergedShard, Shard

SCHEMA_VERSION = 1
_MOST = 10**6
"""More processors or GiB than any machine has; a database's column holds it."""


class Status(StrEnum):
    """How a case of the plan ended, before any judging."""

    MEASURED = "measured"
    BROKEN = "broken"
    SKIPPED = "skipped"
    NOT_RUN = "not_run"


class DeviceBy(StrEnum):
    """How device times are taken. Times of one way aren't those of the other."""

    COLD = "cold"
    """The call's kernels from CUDA graphs, each replayed with nothing of its own in the GPU's cache."""
    COLD_QUEUED = "cold_queued"
    """The call itself, with nothing of it in the cache; small gaps remain where kernels wait for their launches."""
    SCATTERED = "scattered"
    """From CUDA graphs, each behind itself; in memory all lies where chance has put it. perfkit no longer does."""
    REPEATED = "repeated"
    """From CUDA graphs, each behind itself, placed alike in all processes that do the same; perfkit no longer does."""
    REPLAYED = "replayed"
    """From CUDA graphs replayed one after the other; perfkit no longer does."""
    QUEUED = "queued"
    """The call itself, behind another of its own; perfkit no longer does."""


class Rounds(Model):
    """Paired rounds, in the order in which they were measured; every list has one entry a round.

    ``wall`` is what a caller waits (synchronize, call, synchronize); ``device`` is the time between
    two events around work that was queued whole behind a blocking delay: replays of the call, captured
    as a few CUDA graphs, the mean of them, or the call itself. The CPU platform has wall times only.
    """

    order: str = Field(
        pattern="^[RV]+$",
        description="one letter a round: R, the reference came first in it; V, the variant did",
    )
    reference_calls: int = Field(
        default=1, ge=1, description="timed calls a round; the round's wall time is their median"
    )
    variant_calls: int = Field(default=1, ge=1, description="the same for the variant")
    reference_wall_s: list[Seconds]
    variant_wall_s: list[Seconds]
    reference_device_s: list[Seconds] | None = None
    variant_device_s: list[Seconds] | None = None
    device_by: DeviceBy | None = Field(
        default=None, description="how device times were taken on both sides; None with device times: queued"
    )

    @model_validator(mode="after")
    def _paired(self) -> Self:
        if (self.reference_device_s is None) != (self.variant_device_s is None):
            raise ValueError("device times need both the reference's and the variant's")
        for name, times in (
            ("reference_wall_s", self.reference_wall_s),
            ("variant_wall_s", self.variant_wall_s),
            ("reference_device_s", self.reference_device_s),
            ("variant_device_s", self.variant_device_s),
        ):
            if times is not None and len(times) != len(self.order):
                raise ValueError(f"{name} has {len(times)} entries for {len(self.order)} rounds")
        return self


class Warmup(Model):
    """What happened before the first round of this shape."""

    reference_calls: int = Field(ge=1)
    variant_calls: int = Field(ge=1)
    variant_cold_call_s: Seconds | None = Field(
        default=None,
        description="the first call at this shape after the build: includes whatever is set up or compiled lazily",
    )
    variant_first_call_s: Seconds | None = Field(
        default=None, description="of older records: the first call of the warm-up, after the answers were checked"
    )
    variant_shape_change_s: Seconds | None = Field(
        default=None,
        description="median wall time of calls that follow one at another shape of the profile; None: it has one shape",
    )
    stable: bool = Field(description="false: the time limit ended the warm-up before the times had settled")


class Agreement(Model):
    """Answers of the variant against eager-fp32 on the evaluation images, before any timing."""

    images: int = Field(ge=1)
    cosine_min: Finite
    sqnr_db_min: Finite
    top1_agreement: Share | None = Field(
        default=None,
        description="share of images with the same best class; absent for models without classes",
    )


class Comparability(Model):
    """What must be equal between baseline and run for their numbers to mean the same thing."""

    weights: Told = Field(description="where the weights came from, e.g. pretrained IMAGENET1K_V2 or random seed 0")
    weights_sha256: str
    images: str = Field(description="digest of the calibration and evaluation image sets")
    profile: str = Field(description="min..opt..max")
    settings: dict[str, str | int | bool] = Field(description="TF32, cuDNN autotuning, threads")


class Queued(Model):
    """Device time of a call that was queued kernel by kernel, its median after the rounds, beside replayed rounds.

    With nothing in the GPU's cache where these are ``cold``, else behind another call of its own. What it is more than
    the rounds' device time are the gaps between kernels on the device.
    """

    reference_s: Seconds
    variant_s: Seconds


class Conditions(Model):
    """What went on on the machine beside the rounds, read between them. None: it can't be read here."""

    rounds: int = Field(ge=1, description="how many were measured, those included that were left out")
    disturbed: dict[str, Annotated[int, Field(ge=0, le=10**9)]] = Field(
        default_factory=dict, description="rounds by what disturbed them"
    )
    disturbed_rounds: list[Annotated[int, Field(ge=0)]] | None = Field(
        default=None, description="their places among all rounds that were measured, from 0; None: an older record"
    )
    spoiled: bool = Field(
        default=False, description="most rounds were disturbed: they are all in the record, and prove nothing"
    )
    others_cpu_share: Share | None = Field(default=None, description="of all processors, used by other processes")
    stolen_cpu_share: Share | None = Field(default=None, description="of all processors' time, by the hypervisor")
    available_memory_share: Share | None = Field(
        default=None, description="of the machine's memory, the least after a round"
    )
    major_faults: int | None = Field(
        default=None, ge=0, description="pages that the process waited for a disk for, in all rounds"
    )
    gpu_sm_mhz: Finite | None = Field(default=None, description="median")
    gpu_memory_mhz: Finite | None = Field(default=None, description="median")
    gpu_temperature_c: Finite | None = Field(default=None, description="maximum")
    gpu_power_w: Finite | None = Field(default=None, description="median")
    gpu_others_bytes: Finite | None = Field(
        default=None,
        ge=0,
        description="of the GPU's memory, by other processes on it; maximum. None: there were none, or it is hidden",
    )


class CaseRecord(Model):
    """``extra_info["perfkit"]`` of one benchmark."""

    schema_version: Literal[1] = 1
    model: str
    variant: str
    shape: str
    platform: Platform
    process: int = Field(default=1, ge=1, description="which of the replicate's processes measured it, from 1")
    rounds: Rounds
    queued: Queued | None = None
    conditions: Conditions | None = None
    work: Work | None = Field(default=None, description="None: it can't be counted, or the record is older")
    warmup: Warmup
    agreement: Agreement
    facts: BuildFacts
    reference_facts: BuildFacts
    memory: Memory
    comparability: Comparability
    rounds_s: Duration | None = Field(default=None, description="what its rounds took, those left out included")
    custom_metrics: dict[str, CustomMetric] | None = Field(default=None, description="the user's own, by name")

    @model_validator(mode="after")
    def _device_clock(self) -> Self:
        if self.platform is Platform.CPU and self.rounds.variant_device_s is not None:
            raise ValueError("the CPU platform has wall times only")
        return self


class Outcome(OfCase):
    """How one case of the plan ended, with the reason in one line where it wasn't measured."""

    status: Status
    reason: Told = ""


class Hardware(Model):
    """What a baseline belongs to: no clock readings, host name, versions or paths."""

    platform: Platform
    name: str
    count: int = Field(ge=1, le=_MOST)
    memory_gib: int | None = Field(default=None, ge=1, le=_MOST)
    compute_capability: str | None = None


class RunRecord(Model):
    """The top-level ``perfkit`` key of a run's file."""

    schema_version: Literal[1] = 1
    suite: str
    platform: Platform
    hardware: Hardware
    software: dict[str, str]
    settings: dict[str, str | int | bool]
    outcomes: list[Outcome] = Field(description="one entry for every case that the catalog expected")
    injected: Told | None = Field(
        default=None,
        description="faults that were put in on purpose; such a run can't become a baseline",
    )
    spent_s: dict[str, Duration] = Field(
        default_factory=dict,
        description="what the process spent its time on, and the whole since its start; {}: of older records",
    )
    processes: int = Field(
        default=1,
        ge=1,
        description="how many measured it, one after another: the successors of those that died are counted",
    )
    incomplete: Told | None = Field(
        default=None, description="why it isn't all of the replicate; such a run can't become a baseline"
    )
    machine_state: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict,
        description="readings before and after the run; never part of the hardware's identity",
    )
    shard: Shard | None = Field(default=None, description="which part of a run it is; None: all of it")
    shards: list[MergedShard] = Field(
        default_factory=list, description="of a run that was merged: its shards; the readings end with their numbers"
    )
