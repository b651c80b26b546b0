"""A process that measures hundreds of cases holds no more than their results; docs/scripts/soak.py has hours of it."""

from __future__ import annotations

import json
import os
from statistics import median

import pytest

from perfkit.exit_codes import ExitCode
from tests.faults.runs import command, instant_project, run
from tests.projects import REPOSITORY, environment

VARIANTS, MODELS = 9, 18
CASES = (VARIANTS + 1) * MODELS
WARM = CASES // 3
MOST_BYTES_A_CASE = 12_000
"""What pytest and pytest-benchmark keep of a test with five times is a few kB; memory is taken in larger pieces."""


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, float]]:
    """After every case, once the first third has been there."""
    folder = instant_project(
        tmp_path_factory.mktemp("soak"),
        [f"variant-{number}" for number in range(VARIANTS)],
        models=[f"model-{number}" for number in range(MODELS)],
    )
    conftest = folder / "conftest.py"
    conftest.write_text(conftest.read_text() + "from soak_samples import *\n")
    path = os.pathsep.join([environment(folder)["PYTHONPATH"], str(REPOSITORY / "docs" / "scripts")])
    after = run(folder, command(), SOAK_SAMPLES=str(folder / "samples.jsonl"), PYTHONPATH=path)
    assert after.code == ExitCode.NOT_JUDGED, after.err
    found = [json.loads(line) for line in (folder / "samples.jsonl").read_text("utf-8").splitlines()]
    assert len(found) == CASES
    return found[WARM:]


@pytest.mark.parametrize("name", ["descriptors", "threads", "children", "temporary_bytes", "parent_descriptors"])
def test_nothing_stays_open_running_or_behind(name: str, samples: list[dict[str, float]]) -> None:
    # At the most: the parent opens one more at each look at the process, and closes it.
    part = len(samples) // 4
    assert max(sample[name] for sample in samples[-part:]) <= max(sample[name] for sample in samples[:part])


@pytest.mark.parametrize(
    ("name", "most"), [("rss_bytes", MOST_BYTES_A_CASE), ("parent_rss_bytes", 1000), ("objects", 43)]
)
def test_a_case_leaves_its_results_alone(name: str, most: float, samples: list[dict[str, float]]) -> None:
    part = len(samples) // 4
    first, last = (median(sample[name] for sample in some) for some in (samples[:part], samples[-part:]))
    assert (last - first) / (len(samples) - part) < most
