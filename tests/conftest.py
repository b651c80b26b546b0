"""For perfkit's own tests alone: one profile for Hypothesis, databases for the history, workers that don't wait."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings

from tests.databases import history_url

__all__ = ["history_url"]

# A shared CI machine stalls now and then; a deadline per example would fail the test for it.
settings.register_profile("ci", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")

_worker = os.environ.pop("PYTEST_XDIST_WORKER", None)
if _worker is not None:
    # A device's lock lies in the machine's folder of temporary files: two workers would wait for each other.
    _folder = Path(tempfile.gettempdir(), f"perfkit-tests-{_worker}")
    _folder.mkdir(exist_ok=True)
    os.environ["TMPDIR"] = str(_folder)
    tempfile.tempdir = None
