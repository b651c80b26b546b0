"""For every test of the repository: inner pytest runs.

It has to import nothing that a benchmark run doesn't have. The fixtures that make models, variants and shapes come with
the installed plugin (src/perfkit/plugin), so that other projects' benchmarks have them too.
"""

from __future__ import annotations

pytest_plugins = ["pytester"]
