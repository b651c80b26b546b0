"""A PostgreSQL that tests may end."""

from __future__ import annotations

import subprocess
import threading
import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from tests.projects import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

_SLEEPERS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


class Server:
    """A PostgreSQL of our own, which may be ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = self._do("start")
        self._engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)

    def _do(self, what: str) -> str:
        command = [str(REPOSITORY / ".ci" / "postgresql"), what, str(self._folder)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def stop(self) -> None:
        self._do("stop")

    def crash(self) -> None:
        """As a power cut: no client is told goodbye, nothing is written that wasn't."""
        self._do("crash")

    def restart(self) -> None:
        self._do("restart")

    def new_database(self, name: str) -> str:
        with self._engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        return sa.make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def sleepers(self) -> int:
        with self._engine.connect() as connection:
            return int(connection.execute(sa.text(_SLEEPERS)).scalar_one())

    def crash_in_the_transaction(self) -> threading.Thread:
        """As soon as an import is in the middle of one; done by another thread."""

        def wait_and_crash() -> None:
            until_s = time.monotonic() + 60
            while not self.sleepers():
                if time.monotonic() > until_s:
                    break  # the import has ended without it, and the test fails for that
                time.sleep(0.02)
            self.crash()

        thread = threading.Thread(target=wait_and_crash)
        thread.start()
        return thread
