"""Under which names the plugin's parts find one another and pytest-benchmark.

Every pytest session of the environment loads the plugin, whatever it tests, so what only a session with cases needs
(pydantic, above all) is imported inside functions; the keys of what it keeps stand here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from perfkit.errors import UserError
    from perfkit.plugin.progress import Progress
    from perfkit.plugin.state import RunState

STATE: pytest.StashKey[RunState] = pytest.StashKey()
"""From the first parametrized test on."""
PROBLEM: pytest.StashKey[UserError] = pytest.StashKey()
"""Instead, where the request can't be met."""
PROGRESS: pytest.StashKey[Progress] = pytest.StashKey()
"""From the end of the collection on."""
BENCHMARK_PLUGIN = "pytest-benchmark"
