"""What the scripts that measure on a GPU host have in common."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from repository import ROOT, at_root

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from perfkit.catalog.images import ImageSet
    from perfkit.catalog.models import LoadedModel
    from perfkit.catalog.profile import ShapeProfile
    from perfkit.measure.replay import Replay
    from perfkit.variants.base import BuildRequest


def described() -> dict[str, Any]:
    """When and on what something is measured: the beginning of a data file."""
    from perfkit.catalog.case import Platform
    from perfkit.measure.machine import gpu_info, momentary_state, software_versions

    return {
        "datetime": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "gpu": gpu_info(),
        "state": momentary_state(Platform.CUDA),
        "software": software_versions(),
    }


def in_turn_s(replay: Replay) -> float:
    """Seconds of device work of a call, the mean over the graphs, twice one behind the other as they come.

    What comes before, which isn't timed, gives the host the time to queue the others.
    """
    import torch

    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    replay()
    start.record()
    replay()
    replay()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) / (2e3 * len(replay.graphs))


def behind_itself_s(replay: Replay) -> float:
    """The same, each graph behind itself: it finds its data in the cache. perfkit's own clock empties that."""
    return fmean(in_turn_s(replace(replay, graphs=[graph])) for graph in replay.graphs)


@dataclass(frozen=True)
class Loaded:
    """A model on the GPU, and what its variants are built from."""

    model: LoadedModel
    images: ImageSet
    profile: ShapeProfile
    request: BuildRequest

    @property
    def device(self) -> torch.device:
        """The GPU."""
        return self.request.device


def loaded(name: str, profile: str) -> Loaded:
    """A model of the catalog under a profile of the project's configuration."""
    import torch

    from perfkit.catalog.config import load_config
    from perfkit.catalog.images import calibration_images
    from perfkit.catalog.models import load_model
    from perfkit.store.engine_store import cache_folder

    with at_root():
        from benchmarks.standalone import standalone_request

    device, images, config = torch.device("cuda", 0), calibration_images(), load_config(ROOT)
    shapes = config.profile(profile)
    model = load_model(name, images, shapes.opt, device)
    request = standalone_request(model, name, shapes, images, device, config=config, cache=cache_folder(ROOT))
    return Loaded(model, images, shapes, request)


def keep(data: dict[str, Any], target: Path) -> None:
    """Writes what was measured so far: a GPU host may be taken away at any time."""
    scratch = target.with_name(f".{target.name}")
    scratch.write_text(json.dumps(data, separators=(",", ":")) + "\n", "utf-8")
    scratch.replace(target)


def tell(line: str) -> None:
    """Progress."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def measure_or_write(about: str | None, measure: Callable[[Path], None], page: Path, main: Callable[[], str]) -> None:
    """``--measure FILE`` measures into a file; without it the page is written anew from the committed one."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--measure", type=Path, metavar="FILE")
    target = parser.parse_args().measure
    if target is not None:
        measure(target)
    else:
        page.write_text(main(), "utf-8")
