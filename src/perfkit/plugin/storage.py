"""Saving through pytest-benchmark: atomic and strict, and without a traceback where there is nothing to save."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytest_benchmark.logger import PytestBenchmarkWarning

from perfkit.errors import UserError
from perfkit.plugin.keys import BENCHMARK_PLUGIN
from perfkit.record.lock import locked_folder
from perfkit.record.write import write_run_json

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_benchmark.storage.file import FileStorage


_NUMBERED = re.compile(r"([0-9]{4,18})_")


class AtomicStorage:
    """Stands in for a FileStorage: a killed run leaves no half-written newest file.

    Everything but ``save`` is the original's.
    """

    def __init__(self, original: FileStorage) -> None:
        self._original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def __str__(self) -> str:
        return str(self._original)

    def save(self, output_json: dict[str, Any], save: str) -> None:
        """Writes NNNN_``save``.json under the next free number, as the original does.

        Raises pytest.UsageError where it can't be written, and instead of writing a bare NaN or infinity.
        """
        try:
            # Of two runs that save at once one would take the other's number, and its place.
            with locked_folder(Path(self._original.get(""))):
                path = self._next(save)
                write_run_json(path, output_json)
        except (UserError, ValueError) as error:
            raise pytest.UsageError(f"perfkit: the run isn't saved: {error}") from None
        self._original.logger.info(f"Saved benchmark data in: {path}")  # noqa: G004 - pytest-benchmark's own logger

    def _next(self, save: str) -> Path:
        # Of any length: after 9999 comes 10000, and 10001 after that.
        found = [_NUMBERED.match(path.name) for path in self._original.query("[0-9]*_")]
        newest = max((int(match[1]) for match in found if match is not None), default=0)
        path: Path = self._original.get(f"{newest + 1:04}_{save}.json")
        return path


class JsonFile:
    """Takes --benchmark-json over from pytest-benchmark, which empties the old file before it writes the new one."""

    def __init__(self) -> None:
        self._path: Path | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Before pytest-benchmark's hook of the same name, which runs inside and saves."""
        plugin = session.config.pluginmanager.get_plugin(BENCHMARK_PLUGIN)
        # Where nothing was measured pytest-benchmark warns, and writes nothing.
        if plugin is not None and plugin.benchmarks and isinstance(plugin.json, Path) and _is_plain(plugin.json):
            self._path, plugin.json = plugin.json, None
        return (yield)

    def save(self, config: pytest.Config) -> None:
        """The file as pytest-benchmark would write it. Raises UserError where it can't be written, whole."""
        if self._path is None:
            return
        plugin = config.pluginmanager.get_plugin(BENCHMARK_PLUGIN)
        assert plugin is not None
        data = generated_json(config, with_times=True)
        config.hook.pytest_benchmark_update_json(config=config, benchmarks=plugin.benchmarks, output_json=data)
        try:
            write_run_json(self._path, data)
        except ValueError as error:  # a bare NaN or infinity
            raise UserError(f"{self._path}: {error}") from None
        plugin.logger.info(f"Wrote benchmark data in: {self._path}", purple=True)  # noqa: G004 - pytest-benchmark's own logger


def _is_plain(path: Path) -> bool:
    """Whether it may be replaced: a device, a pipe or a link is written into."""
    return not path.is_symlink() and (path.is_file() or not path.exists())


def generated_json(config: pytest.Config, *, with_times: bool) -> dict[str, Any]:
    """What pytest-benchmark's file of this session holds before plugins add to it."""
    plugin = config.pluginmanager.get_plugin(BENCHMARK_PLUGIN)
    assert plugin is not None
    commit_info = config.hook.pytest_benchmark_generate_commit_info(config=config)
    config.hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit_info)
    data: dict[str, Any] = config.hook.pytest_benchmark_generate_json(
        config=config,
        benchmarks=plugin.benchmarks,
        include_data=with_times,
        machine_info=plugin.get_machine_info(),
        commit_info=commit_info,
    )
    return data


class NothingToSave:
    """Keeps pytest-benchmark's warning that nothing was measured from ending the run, where warnings are errors.

    It warns inside the hook, so that the traceback would hide why nothing was measured. Where that is told already,
    the warning isn't shown at all.
    """

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Applies to pytest-benchmark's hook of the same name, which runs inside."""
        refused = session.exitstatus == pytest.ExitCode.USAGE_ERROR
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore" if refused else "default", "Not saving anything", PytestBenchmarkWarning)
            return (yield)
