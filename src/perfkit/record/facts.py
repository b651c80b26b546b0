"""What a case's record tells beside its times: what was built, memory, work, the user's own metrics."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from perfkit.record.model import Duration, Model, Share, Told


class BuildFacts(Model):
    """What was built. None means that the backend has no such fact, never zero."""

    build_s: Duration = Field(description="of the build that made it, in this process or in an earlier one")
    builder_s: Duration | None = Field(
        default=None, description="what of it the backend's builder took by itself, once it had the graph"
    )
    load_s: Duration | None = Field(default=None, description="from the engine store; None: it isn't kept there")
    engines: int | None = Field(default=None, ge=0)
    engine_bytes: int | None = Field(default=None, ge=0)
    engine_sha256: str | None = None
    engine_manifest_sha256: str | None = Field(
        default=None,
        description="of the engine's manifest in the store, which has a checksum of every file; None: it isn't kept",
    )
    activation_bytes: int | None = Field(
        default=None, ge=0, description="scratch memory of one execution context of each engine, for its largest shape"
    )
    fallback_ops: int | None = Field(default=None, ge=0, description="operators left to PyTorch")
    fallback_device_share: Share | None = Field(
        default=None, description="of the device time of a call at the optimum shape, what PyTorch's own kernels take"
    )
    total_ops: int | None = Field(
        default=None,
        ge=0,
        description="operators of the graph that it was built from; layers over these tell the fusion",
    )
    layers: int | None = Field(default=None, ge=0)
    compute_layers: int | None = Field(
        default=None, ge=0, description="convolutions, matrix products, attention; less those that are not to count"
    )
    delivered_layers: int | None = Field(
        default=None, ge=0, description="compute layers in the precision that the variant is named for"
    )
    reformat_layers: int | None = Field(default=None, ge=0, description="layers that only change layout or type")
    layer_formats: dict[str, int] | None = Field(
        default=None, description="how many layer outputs have each data type and format"
    )
    calibration: Told | None = Field(default=None, description="how the ranges of a quantized build were found")
    from_store: bool | None = Field(
        default=None, description="true: found in the engine store, not built, by this process"
    )
    timing_cache_bytes: int | None = Field(default=None, ge=0, description="before the build; 0: cold")
    timing_cache_sha256: str | None = Field(default=None, description="before the build; None: cold, or none is used")
    notes: list[Told] = Field(default_factory=list)


class Memory(Model):
    """Device memory; None on the CPU platform.

    Peaks are of PyTorch's allocator. What backends allocate by themselves (TensorRT's engines and contexts) isn't in
    them, but in what the driver says.
    """

    peak_build_bytes: int | None = Field(default=None, ge=0, description="while the variant was built")
    call_bytes: int | None = Field(
        default=None, ge=0, description="of warmed-up calls, beyond what was allocated before them"
    )
    device_used_bytes: int | None = Field(
        default=None,
        ge=0,
        description="of the whole device after warm-up, as the driver says: model, reference, variant, whoever else",
    )
    peak_call_bytes: int | None = Field(
        default=None, ge=0, description="of older records: of calls, with all that was allocated before them"
    )


class Better(StrEnum):
    """Which way a custom metric is a gain."""

    HIGHER = "higher"
    LOWER = "lower"


class CustomMetric(Model):
    """A number of the user's own, from the entry-point group ``perfkit.metrics``, with what judging it needs."""

    value: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    reason: Told = Field(default="", description="why there is no value")
    unit: str = Field(min_length=1, max_length=30)
    better: Better
    tolerance: float = Field(gt=0, lt=1, description="by what share it may get worse")

    @model_validator(mode="after")
    def _value_or_reason(self) -> Self:
        if (self.value is None) != bool(self.reason):
            raise ValueError("a metric has a value or a reason why not")
        return self


class WorkPrecision(StrEnum):
    """What a variant's numbers are, by its name: what decides a card's rate and the bytes of a number."""

    FP32 = "fp32"
    TF32 = "tf32"
    """Float32 in memory, multiplied with fewer digits."""
    FP16 = "fp16"
    BF16 = "bf16"
    INT8 = "int8"
    FP8 = "fp8"


_MOST = 10**24
"""More work than any model is; far larger numbers don't fit a float."""


class Work(Model):
    """What one call of the model is at the shape, at the least, whoever executes it."""

    precision: WorkPrecision
    flops: int = Field(
        ge=0,
        le=_MOST,
        description="of convolutions and matrix products in eager-fp32's graph, two a multiplication and addition",
    )
    min_bytes: int = Field(
        ge=0,
        le=_MOST,
        description="a lower bound of what crosses the memory: parameters, input and output once, in this precision; "
        "what lies between the layers isn't in it",
    )
