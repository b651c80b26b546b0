"""Configuration: the shipped suites with a project's own perfkit.toml or [tool.perfkit] laid over them."""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from fnmatch import fnmatchcase
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from perfkit.catalog.case import REFERENCE_VARIANT, Shape, format_shape
from perfkit.catalog.profile import ShapeProfile
from perfkit.errors import UserError
from perfkit.untrusted import read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_Entry = TypeVar("_Entry")
Name = Annotated[str, Field(min_length=1, max_length=100)]
MetricName = Literal["device speedup", "wall speedup", "device time", "wall time"]
_LARGEST_SHARE = 10.0
_LONGEST_S = 1e8
"""Three years. Systems can't wait for ever longer times."""
_FACTOR = re.compile(r"\s*(\d+(?:\.\d+)?)\s*x\s*")
_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")


def _share(value: object) -> object:
    """``"20%"`` or 0.2; a bare number of 1 or more may be meant as percent, so it is refused."""
    if isinstance(value, str):
        found = _PERCENT.fullmatch(value)
        if found is None:
            raise ValueError(f'{value!r} is no share: write a number with a percent sign, as in "20%"')
        return float(found[1]) / 100
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 1:
        raise ValueError(f'{value} has no unit: write "{value}%", or "{value * 100:g}%" if that is what is meant')
    return value


def _factor(value: object) -> object:
    """``"1.5x"``; a bare number may be meant as a percentage."""
    found = _FACTOR.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'{value!r} is no factor: write a number with an x, as in "1.0x"')
    return float(found[1])


Factor = Annotated[float, Field(gt=0, le=1000), BeforeValidator(_factor)]
Share = Annotated[float, Field(gt=0, le=_LARGEST_SHARE), BeforeValidator(_share)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ModelEntry(_Table):
    """What the catalog has to know about a model before torch is imported."""

    profile: Name
    fixed_image_size: int | None = Field(default=None, ge=1)


class PlatformVariants(_Table):
    """The variants of a suite on each platform; empty: the suite has nothing to run there."""

    cpu: list[Name] = Field(default_factory=list)
    cuda: list[Name] = Field(default_factory=list)


class Suite(_Table):
    """Models (``name`` or ``name@profile``), the variants of each platform and, if not all, which shapes."""

    models: list[Name] = Field(min_length=1)
    variants: PlatformVariants
    shapes: list[Shape] | None = Field(
        default=None, description="concrete shapes instead of each profile's min, opt and max"
    )
    metrics: list[Name] = Field(default_factory=list, description="the user's own, of the group perfkit.metrics")

    @model_validator(mode="after")
    def _no_repeats(self) -> Self:
        for label, names in (
            ("models", self.models),
            ("metrics", self.metrics),
            ("variants.cpu", self.variants.cpu),
            ("variants.cuda", self.variants.cuda),
            ("shapes", [format_shape(shape) for shape in self.shapes or ()]),
        ):
            repeated = {name for name in names if names.count(name) > 1}
            if repeated:
                raise ValueError(f"{label} names {', '.join(sorted(repeated))} more than once")
        return self


class Measure(_Table):
    """How long a case is measured, and on which processors."""

    min_rounds: int = Field(ge=5)
    max_rounds: int = Field(ge=5)
    time_budget_s: float = Field(gt=0, le=_LONGEST_S)
    warmup_max_s: float = Field(gt=0, le=_LONGEST_S)
    cpu_affinity: str | None = Field(
        default=None,
        max_length=1000,
        pattern=r"^(gpu|numa:[0-9]{1,5}|[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*)$",
        description='on which processors the run executes: "0-7,16", "numa:1" or "gpu", those that NVML says are near',
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_rounds > self.max_rounds:
            raise ValueError("min_rounds is larger than max_rounds")
        return self


class Settings(_Table):
    """Global PyTorch settings that decide what eager means."""

    tf32_convolution: bool
    tf32_matmul: bool
    cudnn_benchmark: bool


class Build(_Table):
    """Building variants."""

    time_limit_s: float = Field(gt=0, le=_LONGEST_S)


class Process(_Table):
    """What a process of ``perfkit run`` may take before it is ended and replaced."""

    time_limit_s: float = Field(gt=0, le=_LONGEST_S, description="of a step: a model loaded, a build, a case")
    memory_share: float = Field(gt=0, le=1, description="of the machine's memory, with the processes that it started")


class Precision(_Table):
    """What counts as built in the precision that a variant is named for."""

    min_share: float = Field(default=0.5, ge=0, le=1)
    ignore: list[Name] = Field(default_factory=list)


class Quantization(_Table):
    """How ranges are found where ModelOpt quantizes; FP8 knows ``max`` with one range a tensor alone."""

    method: Literal["max", "entropy", "percentile", "mse", "implicit-entropy"] = "max"
    weights: Literal["channel", "tensor"] = "channel"

    def __str__(self) -> str:
        # TensorRT's own calibration chooses the weights' ranges itself.
        return self.method if self.method == "implicit-entropy" else f"{self.method}, weights per {self.weights}"


class Judging(_Table):
    """What counts of the cases that a glob selects; None and what is left out: the rule's own."""

    tolerance: Share | None = None
    minimum_effect: dict[MetricName, Share] = Field(default_factory=dict)
    minimum_speed: dict[Name, Factor] = Field(
        default_factory=dict, description="so many times as fast as that variant on the same shape, or REGRESSED"
    )


class Store(_Table):
    """The engine store."""

    max_gb: float = Field(gt=0, le=1e9)

    @property
    def max_bytes(self) -> int:
        """The limit in bytes."""
        return int(self.max_gb * 10**9)


class Config(_Table):
    """The whole configuration, validated."""

    profiles: dict[Name, ShapeProfile]
    models: dict[Name, ModelEntry]
    suites: dict[Name, Suite]
    measure: Measure
    settings: Settings
    build: Build
    process: Process
    precision: Precision
    quantization: Quantization
    store: Store
    judging: dict[Name, Judging] = Field(default_factory=dict)

    def suite(self, name: str) -> Suite:
        """Raises UserError with the nearest names when there is no such suite."""
        return _named("suite", name, self.suites)

    def profile(self, name: str) -> ShapeProfile:
        """Raises UserError with the nearest names when there is no such profile."""
        return _named("profile", name, self.profiles)

    def model_entry(self, model: str) -> ModelEntry:
        """The first entry whose name or glob matches the model.

        Raises UserError when none does.
        """
        for pattern, entry in self.models.items():
            if fnmatchcase(model, pattern):
                return entry
        raise UserError(f'model {model!r} matches no [models] entry; add one with its profile, or a [models."*"]')

    def shapes(self, suite: Suite, model: str, profile: ShapeProfile) -> tuple[Shape, ...]:
        """The concrete shapes of a model in a suite: those that it can run.

        Raises UserError when the suite names a shape outside the profile.
        """
        fixed = self.model_entry(model).fixed_image_size
        if suite.shapes is not None:
            outside = [format_shape(shape) for shape in suite.shapes if not profile.contains(shape)]
            if outside:
                raise UserError(
                    f"shape {outside[0]} of the suite is outside the profile of {model}, which is "
                    f"{format_shape(profile.min)} to {format_shape(profile.max)}"
                )
        shapes = profile.shapes() if suite.shapes is None else tuple(suite.shapes)
        return tuple(shape for shape in shapes if fixed is None or shape[2] == shape[3] == fixed)


def _named(kind: str, name: str, known: Mapping[str, _Entry]) -> _Entry:
    try:
        return known[name]
    except KeyError:
        raise UserError(unknown_name(kind, name, known)) from None


def unknown_name(kind: str, name: str, known: Mapping[str, object] | list[str]) -> str:
    """One line that says which name is unknown and which known ones are nearest to it."""
    nearest = get_close_matches(name, list(known), n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(nearest)}?" if nearest else f"known: {', '.join(sorted(known)[:12])}"
    return f"unknown {kind} {name!r}; {hint}"


def load_config(root: Path) -> Config:
    """The shipped configuration with the project's laid over it.

    ``root`` is the project's folder; its perfkit.toml counts before [tool.perfkit] of its pyproject.toml.
    Raises UserError, naming file and key, when a file can't be read or a value doesn't fit.
    """
    shipped = tomllib.loads(resources.files("perfkit.catalog").joinpath("suites.toml").read_text("utf-8"))
    own, source = _own_tables(root)
    merged: dict[str, Any] = dict(shipped)
    for key, table in own.items():
        base = shipped.get(key)
        if isinstance(base, dict) and isinstance(table, dict):
            # The project's entries come first: among the globs of [models] the first match counts.
            merged[key] = {
                **table,
                **{name: value for name, value in base.items() if name not in table},
            }
        else:
            merged[key] = table
    try:
        config = Config.model_validate(merged)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise UserError(f"{source}: {key}: {message}") from None
    for pattern, entry in config.models.items():
        if entry.profile not in config.profiles:
            line = unknown_name("profile", entry.profile, config.profiles)
            raise UserError(f"{source}: models.{pattern}.profile: {line}")
    for name, suite in config.suites.items():
        for platform, variants in (("cpu", suite.variants.cpu), ("cuda", suite.variants.cuda)):
            if variants and REFERENCE_VARIANT not in variants:
                raise UserError(
                    f"{source}: suites.{name}.variants.{platform}: {REFERENCE_VARIANT} is missing; it is the "
                    "reference, and measured against itself it shows the noise of the night"
                )
    return config


def _own_tables(root: Path) -> tuple[dict[str, Any], str]:
    own_file, pyproject = root / "perfkit.toml", root / "pyproject.toml"
    if own_file.is_file():
        return read_toml(own_file), own_file.name
    if pyproject.is_file():
        tool = read_toml(pyproject).get("tool", {})
        table = tool.get("perfkit", {}) if isinstance(tool, dict) else tool
        if not isinstance(table, dict):
            raise UserError(
                f"pyproject.toml: {'tool.perfkit' if isinstance(tool, dict) else 'tool'}: should be a table"
            )
        return table, "pyproject.toml [tool.perfkit]"
    return {}, "perfkit's suites.toml"
