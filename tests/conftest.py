"""For perfkit's own tests alone: one profile for Hypothesis, databases for the history, tests that need the machine."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

from tests.alone import pytest_configure, pytest_runtest_protocol, pytest_unconfigure
from tests.databases import history_url

__all__ = ["history_url", "pytest_configure", "pytest_runtest_protocol", "pytest_unconfigure"]

# A shared CI machine stalls now and then; a deadline per example would fail the test for it.
settings.register_profile("ci", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")

# Tests share the machine, and threads of PyTorch's that wait for each other take many times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Sessions and commands within the tests are no workers of the session around them, and as wide as they are anywhere.
for _variable in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID", "COLUMNS", "LINES"):
    os.environ.pop(_variable, None)
# And what they print is read line by line: no colours, whatever a workflow asks for.
for _variable in ("FORCE_COLOR", "PY_COLORS", "CLICOLOR_FORCE"):
    os.environ.pop(_variable, None)
