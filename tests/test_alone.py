"""Nothing runs beside a test that is marked, whichever worker has it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support import program_environment

REPOSITORY = Path(__file__).parents[1]
TEST = """
import json, time, pytest
from pathlib import Path

@pytest.fixture(scope="module", autouse=True)
def busy(request):
    began = time.time()
    yield
    with Path("log").open("a") as file:
        file.write(json.dumps([request.module.__name__, began, time.time()]) + "\\n")

MARK
def test_it():
    time.sleep(0.2)
"""


def test_marked_tests_overlap_with_no_other(tmp_path: Path) -> None:
    """From their module's first fixture to the end of the last."""
    (tmp_path / "conftest.py").write_text(
        "from tests.alone import pytest_configure, pytest_runtest_protocol, pytest_unconfigure\n", "utf-8"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = alone: measures\n", "utf-8")
    for name in ("a", "b", "c", "d"):
        mark = "@pytest.mark.alone" if name == "b" else ""
        (tmp_path / f"test_{name}.py").write_text(TEST.replace("MARK", mark), "utf-8")
    # With a cache of its own: under tox all sessions have the same, in which this test's worker holds the lock.
    command = [sys.executable, "-m", "pytest", "-n2", "--dist=loadfile", "-q", "-o", "cache_dir=cache"]
    command += ["-p", "no:perfkit", "-p", "no:benchmark"]
    own = program_environment()
    own["PYTHONPATH"] += os.pathsep + str(REPOSITORY)
    done = subprocess.run(command, cwd=tmp_path, env=own, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = map(json.loads, (tmp_path / "log").read_text().splitlines())
    spans = {name: (began, ended) for name, began, ended in lines}
    began, ended = spans.pop("test_b")
    assert not [name for name, (first, last) in spans.items() if first < ended and began < last]
    assert len(spans) == 3
