"""For perfkit's own tests alone: one profile for Hypothesis."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A shared CI machine stalls now and then; a deadline per example would fail the test for it.
settings.register_profile("ci", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")
