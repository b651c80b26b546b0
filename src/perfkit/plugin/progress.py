"""Progress of a run: a live line with time left on a terminal, one plain line a case everywhere."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfkit.record.schema import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    import pytest

    from perfkit.catalog.case import CaseId

_MINUTES_FROM_S = 90
_MEASURING = "measuring"
"""What the text of an activity begins with that is timed."""


class Progress:
    """Writes through pytest's terminal reporter, or straight to the terminal."""

    def __init__(self, config: pytest.Config, total: int) -> None:
        self._config = config
        self._total = total
        self._done = 0
        self._started_s = time.monotonic()

    @contextmanager
    def activity(self, text: str) -> Iterator[None]:
        """Shows what is being done while it lasts: builds take minutes."""
        reporter = self._reporter()
        if reporter is None or self._quiet:
            yield
            return
        if not reporter.isatty:
            if not text.startswith(_MEASURING):
                with self._uncaptured():
                    reporter.write_line(f"perfkit: {text}")
            yield
            return
        with self._live(text):
            yield

    def case_ended(self, case: CaseId, outcome: Outcome | None, detail: str) -> None:
        """One line for a finished case, with the time left."""
        self._done += 1
        reporter = self._reporter()
        if reporter is None or self._quiet:
            return
        status = "" if outcome is None or outcome.status is Status.MEASURED else f"{outcome.status}: "
        reporter.write_line(
            f"perfkit: [{self._done:>{len(str(self._total))}}/{self._total}] {case}  {status}{detail}{self._left()}"
        )

    @contextmanager
    def _live(self, text: str) -> Iterator[None]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
        from rich.progress import Progress as Bar

        # pytest has redirected the usual streams; the terminal itself is still there.
        try:
            terminal = Path("/dev/tty").open("w", encoding="utf-8")  # noqa: SIM115 - closed below
        except OSError:
            yield
            return
        with terminal:
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=20),
                MofNCompleteColumn(),
                TextColumn("{task.fields[left]}"),
            )
            # Drawn once while a case is measured: a thread that draws meets calls that are timed.
            moves = not text.startswith(_MEASURING)
            with Bar(*columns, console=Console(file=terminal), transient=True, auto_refresh=moves) as bar:
                bar.add_task(text, total=self._total, completed=self._done, left=self._left())
                bar.refresh()
                yield

    def _left(self) -> str:
        if self._done == 0 or self._done >= self._total:
            return ""
        left_s = (time.monotonic() - self._started_s) / self._done * (self._total - self._done)
        return f"  about {left_s / 60:.0f} min left" if left_s >= _MINUTES_FROM_S else f"  about {left_s:.0f} s left"

    def _uncaptured(self) -> AbstractContextManager[None]:
        """While fixtures and tests run, pytest captures what its reporter writes, too."""
        capturing: Any = self._config.pluginmanager.get_plugin("capturemanager")
        return nullcontext() if capturing is None else capturing.global_and_fixture_disabled()

    def _reporter(self) -> pytest.TerminalReporter | None:
        reporter: pytest.TerminalReporter | None = self._config.pluginmanager.get_plugin("terminalreporter")
        return reporter

    @property
    def _quiet(self) -> bool:
        return bool(self._config.get_verbosity() < 0)


def detail(outcome: Outcome | None, benchmark: Any) -> str:
    """What is told of a finished case: why it wasn't measured, or its latency and speedups."""
    if outcome is not None and outcome.status is not Status.MEASURED:
        return outcome.reason
    record = getattr(benchmark, "extra_info", {}).get("perfkit")
    return "" if record is None else describe(record)


def describe(record: dict[str, Any]) -> str:
    """Latency and speedups of one case record, for its line of progress."""
    from statistics import median

    rounds = record["rounds"]
    parts = [f"{median(rounds['variant_wall_s']) * 1e3:.2f} ms"]
    for clock in ("wall", "device"):
        variant, reference = rounds[f"variant_{clock}_s"], rounds[f"reference_{clock}_s"]
        if variant and reference:
            ratio = median(r / v for r, v in zip(reference, variant, strict=True))
            parts.append(f"{ratio:.2f}x {clock}")
    return ", ".join(parts)
