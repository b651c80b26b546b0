"""A folder with a baseline of three nights, and promotions into it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfkit.cli import main
from perfkit.record.baseline import Baseline, read_baseline
from tests.support import Times, case, write_run

if TYPE_CHECKING:
    import pytest

HURT = case("trt-int8")
FILE = Path("results/baselines/made-up-gpu-x1-80gib.json")
FORCED = ("--force", "--reason", "known loss")


def enter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, as somebody whom git knows."""
    monkeypatch.chdir(folder)
    config = folder / "gitconfig"
    config.write_text("[user]\n\tname = Ana Author\n\temail = ana@example.invalid\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))


def promote_three_nights() -> None:
    runs = [str(write_run(Path("first"), day=day)) for day in (1, 2, 3)]
    assert main(["promote", *runs, "--reason", "first week"]) == 0


def promote(times: Times | None = None, *arguments: str, day: int = 4, **options: Any) -> int:
    return main(["promote", str(write_run(Path(f"night{day}"), times, day=day, **options)), *arguments])


def baseline() -> Baseline:
    return read_baseline(FILE)


def nights(which: Any) -> list[str]:
    """Dates of the baseline's replicates that have a case."""
    return [r.datetime[8:10] for r in baseline().replicates if which in {s.case for s in r.samples}]


def anchor_s(which: Any = HURT) -> float:
    """The device seconds of a case's anchor."""
    (anchor,) = [anchor for anchor in baseline().anchors if anchor.case == which]
    assert anchor.device is not None
    return anchor.device.variant_s
