"""Opening the history: connecting, and bringing its tables up to what this perfkit knows."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DatabaseError, DataError, OperationalError

from perfkit.credentials import without_credentials
from perfkit.errors import UserError
from perfkit.history.location import VARIABLE, needed_url, wanted_url

if TYPE_CHECKING:
    from collections.abc import Iterator

REVISION = "0001"
"""The newest file in migrations/versions; a test holds the two together."""
_WAIT_S = 60
"""For another process that writes; the longest import is done in pieces that take a second each."""
_FULL = ("too many clients already", "remaining connection slots are reserved", "the database system is starting up")
_REFUSED = ("25006", "42501")
"""PostgreSQL's SQLSTATE where only reading is allowed: on a standby, in a read-only database, to such an account."""
_LOCK = 0x7065_7266
"""PostgreSQL's advisory lock for migrating: any number that others don't use."""
_WRITES = "perfkit_writes"
_CACHE_KIB = 64 * 1024


class History:
    """An open history whose tables are those of this perfkit. Use it as a context manager."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        _migrate(self)

    @property
    def where(self) -> str:
        """The database in words, without a password."""
        told, mark, query = self._engine.url.render_as_string(hide_password=True).partition("?")
        return f"{told}{mark}{without_credentials(query)}"  # libpq takes one in the query too, which isn't hidden

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection in a transaction that doesn't write.

        Raises UserError where the database fails: a lost connection, a damaged file.
        """
        with self._failures_told(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A connection in a transaction that writes: whole when the block ends, else undone.

        Raises UserError where the database fails: a full disk, another process that doesn't stop writing, a standby.
        """
        with self._failures_told(), self._engine.execution_options(**{_WRITES: True}).begin() as connection:
            yield connection

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            # Its subclasses but two are mistakes in statements of ours, or say that we may not; DataError is a value
            # that no column takes, as PostgreSQL takes no name with a NUL.
            is_refused = getattr(error.orig, "sqlstate", None) in _REFUSED
            if is_refused or isinstance(error, OperationalError | DataError) or type(error) is DatabaseError:
                told = str(error.orig).strip().partition("\n")[0]
                raise UserError(f"the history in {self.where}: {told}") from error
            raise

    def close(self) -> None:
        """Gives connections back."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_history(results: Path) -> History:
    """The history that a run would be added to, made where there is none.

    Raises UserError where it is switched off or can't be opened.
    """
    return _opened(wanted_url(results))


def open_existing_history(results: Path) -> History:
    """The same, but nothing is made by asking.

    Raises UserError where there is none.
    """
    return _opened(needed_url(results))


def _opened(url: str) -> History:
    try:
        engine = _sqlite(url) if url.startswith("sqlite") else _postgresql(url)
    except ImportError as error:
        raise UserError(f"{VARIABLE}: the driver of PostgreSQL is missing: pip install 'perfkit[history]'") from error
    except ArgumentError as error:
        raise UserError(f"{VARIABLE} is no URL of a database: {error}") from error
    except OSError as error:
        raise UserError(f"{url}: the history can't be made: {error.strerror}") from error
    try:
        return History(engine)
    except BaseException:
        engine.dispose()
        raise


def _postgresql(url: str) -> sa.Engine:
    """An engine that waits where the server has as many clients as it takes, as SQLite's waits for who writes."""
    engine = sa.create_engine(url, connect_args={"connect_timeout": 10})

    @sa.event.listens_for(engine, "do_connect")
    def connect(dialect: Any, _record: object, arguments: list[Any], named: dict[str, Any]) -> Any:
        until = time.monotonic() + _WAIT_S
        while True:
            try:
                return dialect.loaded_dbapi.connect(*arguments, **named)
            except dialect.loaded_dbapi.OperationalError as error:
                # A connection that never was has no SQLSTATE, only the server's words.
                if time.monotonic() > until or not any(words in str(error) for words in _FULL):
                    raise
                time.sleep(random.uniform(0.1, 0.5))  # noqa: S311 - so that not all come back at once

    return engine


def _sqlite(url: str) -> sa.Engine:
    """An engine whose transactions begin when they are begun, and writing ones with the lock that they will need.

    Python's driver would begin at the first change: two processes that both read before would then refuse each other.
    """
    file = sa.make_url(url).database
    if file:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": _WAIT_S})

    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA foreign_keys = ON")

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _migrate(history: History) -> None:
    """Raises UserError for a history that a newer perfkit has made."""
    with history.reading() as connection:
        found = _revision(connection)
    if found == REVISION:
        return  # without importing alembic: nearly always
    with history.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        found = _revision(connection)  # another process may have been quicker
        if found != REVISION:
            _upgrade(connection, found, history.where)


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: sa.Connection, found: str | None, where: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "perfkit.history:migrations")
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise UserError(f"{where}: made by a newer perfkit (tables {found}, known {REVISION}); update perfkit")
    command.upgrade(config, "head")
