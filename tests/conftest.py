"""For perfkit's own tests alone: one profile for Hypothesis, databases for the history."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.databases import history_url

__all__ = ["history_url"]

# A shared CI machine stalls now and then; a deadline per example would fail the test for it.
settings.register_profile("ci", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")
