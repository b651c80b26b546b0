"""For every test of the repository: inner pytest runs and one profile for Hypothesis.

The fixtures that make models, variants and shapes come with the installed plugin (src/perfkit/plugin), so that other
projects' benchmarks have them too.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

# A shared CI machine stalls now and then; a deadline per example would fail the test for it.
settings.register_profile("ci", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")
