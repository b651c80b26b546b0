"""A history of its own for each test, in SQLite and in PostgreSQL; tests/conftest.py offers it."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import pytest

from perfkit.history.location import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVER = "PERFKIT_TEST_POSTGRESQL"


@pytest.fixture(params=["sqlite", "postgresql"])
def history_url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty database, which the variable names, too."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/kept/history.sqlite"
        monkeypatch.setenv(VARIABLE, url)
        yield url
        return
    server = os.environ.get(SERVER)
    if not server:
        pytest.skip(f"{SERVER} isn't set: eval with .ci/postgresql start FOLDER")
    import sqlalchemy as sa

    name = f"perfkit_{uuid.uuid4().hex}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    url = sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    monkeypatch.setenv(VARIABLE, url)
    yield url
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()
