"""Command-line options of the plugin, checked and turned into one frozen value at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.catalog.case import Platform
from perfkit.catalog.fault import Fault, parse_fault
from perfkit.catalog.shards import ShardOf, parse_shard

if TYPE_CHECKING:
    import pytest

    from perfkit.report.destination import Destination


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    suite: str
    platform: Platform | None
    """None: CUDA where the driver shows a device, else the CPU."""
    baseline: str
    calibration_data: Path | None
    rebuild: bool
    reports: tuple[Destination, ...]
    """To be written when the run has been judged."""
    cases: tuple[str, ...]
    """Only these, MODEL/VARIANT/SHAPE each; empty: all of the suite."""
    faults: tuple[Fault, ...]
    journal: Path | None
    """Of ``perfkit run``: what is finished goes there at once, and the whole run beside it at the end."""
    shard: ShardOf | None
    """Of ``perfkit run``: only this part of the suite's models."""
    divided_by: Path | None
    """The folder of baselines that say how long models take."""


def add_options(parser: pytest.Parser) -> None:
    """Adds perfkit's options to pytest's."""
    group = parser.getgroup("perfkit", "performance regressions of vision models")
    group.addoption(
        "--perfkit-suite",
        default="quick",
        metavar="NAME",
        help="suite of perfkit.toml, [tool.perfkit] or shipped: quick (the default), nightly, full, tensorrt, dynamism",
    )
    group.addoption(
        "--perfkit-platform",
        choices=["auto", *Platform],
        default="auto",
        help="where the cases run (default: auto, cuda if there is a device)",
    )
    group.addoption(
        "--perfkit-baseline",
        default="auto",
        metavar="PATH|auto|git:REF|none",
        help="what the run is judged against: a file, the one for this hardware in results/baselines (auto, the "
        "default), that file at a git ref, or nothing",
    )
    group.addoption(
        "--calibration-data",
        default=None,
        metavar="DIR",
        help="pictures to calibrate INT8 and FP8 on (default: photographs that scikit-image ships)",
    )
    group.addoption(
        "--perfkit-report",
        action="append",
        default=[],
        metavar="FORMAT:PATH",
        help="write a report when the run has been judged: html, markdown, junit, csv, ... (perfkit report --help has "
        "all); may be given more than once",
    )
    group.addoption(
        "--perfkit-case",
        action="append",
        default=[],
        metavar="MODEL/VARIANT/SHAPE",
        help="measure only this case of the suite; may be given more than once",
    )
    group.addoption(
        "--rebuild",
        action="store_true",
        help="build every engine anew instead of loading it from the store, which stays as it is: shows how much "
        "builds differ",
    )
    # Undocumented on purpose: perfkit drill puts faults in with it, and perfkit's own tests do.
    group.addoption("--perfkit-fault", action="append", default=[], help=_hidden())
    # Given by perfkit run to the processes that it starts.
    group.addoption("--perfkit-journal", default=None, help=_hidden())
    group.addoption("--perfkit-parent", type=int, default=None, help=_hidden())
    group.addoption("--perfkit-shard", default=None, help=_hidden())
    group.addoption("--perfkit-divided-by", default=None, help=_hidden())


def read_options(config: pytest.Config) -> Options:
    """Raises UserError for a value that doesn't fit its option."""
    from perfkit.report.destination import parse_destinations  # not in sessions without cases

    platform = config.getoption("perfkit_platform")
    calibration, journal = config.getoption("calibration_data"), config.getoption("perfkit_journal")
    shard, divided_by = config.getoption("perfkit_shard"), config.getoption("perfkit_divided_by")
    return Options(
        suite=config.getoption("perfkit_suite"),
        platform=None if platform == "auto" else Platform(platform),
        baseline=config.getoption("perfkit_baseline"),
        calibration_data=None if calibration is None else Path(calibration),
        rebuild=config.getoption("rebuild"),
        reports=parse_destinations(config.getoption("perfkit_report"), "--perfkit-report"),
        cases=tuple(config.getoption("perfkit_case")),
        faults=tuple(parse_fault(text) for text in config.getoption("perfkit_fault")),
        journal=None if journal is None else Path(journal),
        shard=None if shard is None else parse_shard(shard),
        divided_by=None if divided_by is None else Path(divided_by),
    )


def _hidden() -> str:
    import argparse

    return argparse.SUPPRESS
