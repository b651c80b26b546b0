"""The pytest plugin: options, parametrization, fixtures, and the verdict at the end of a run.

Nothing here imports torch before the first case runs, so that ``--collect-only`` stays quick, nor pydantic before the
first case is planned, so that sessions without cases do (``keys.py``).
"""

from __future__ import annotations

from perfkit.plugin.ending import pytest_benchmark_update_json, pytest_sessionfinish, pytest_terminal_summary
from perfkit.plugin.fixtures import perfkit_case, perfkit_model, perfkit_shape, perfkit_variant
from perfkit.plugin.hooks import (
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_deselected,
    pytest_generate_tests,
    pytest_report_teststatus,
    pytest_runtest_makereport,
    pytest_runtest_setup,
    pytest_runtestloop,
    pytest_testnodedown,
)

__all__ = [
    "perfkit_case",
    "perfkit_model",
    "perfkit_shape",
    "perfkit_variant",
    "pytest_addoption",
    "pytest_benchmark_update_json",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_deselected",
    "pytest_generate_tests",
    "pytest_report_teststatus",
    "pytest_runtest_makereport",
    "pytest_runtest_setup",
    "pytest_runtestloop",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
]
