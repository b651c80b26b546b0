from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from perfkit.errors import UserError
from perfkit.history import location
from perfkit.history.database import REVISION, open_existing_history, open_history
from perfkit.history.tables import METADATA

NOWHERE = Path("nowhere")


@pytest.mark.usefixtures("history_url")
def test_migrations_lead_to_the_tables_that_the_code_knows() -> None:
    with open_history(NOWHERE) as history, history.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert context.get_current_revision() == REVISION
        assert compare_metadata(context, METADATA) == []


def test_the_newest_step_is_the_known_one() -> None:
    config = Config()
    config.set_main_option("script_location", "perfkit.history:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


@pytest.mark.usefixtures("history_url")
def test_opening_again_changes_nothing_and_needs_no_alembic(monkeypatch: pytest.MonkeyPatch) -> None:
    open_history(NOWHERE).close()
    monkeypatch.setattr("perfkit.history.database._upgrade", None)
    open_history(NOWHERE).close()


@pytest.mark.usefixtures("history_url")
def test_the_history_of_a_newer_perfkit_is_left_alone() -> None:
    with open_history(NOWHERE) as history, history.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UserError, match="made by a newer perfkit"):
        open_history(NOWHERE)


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(location.VARIABLE, raising=False)
    assert location.history_url(Path("results")) == "sqlite:///results/history.sqlite"
    with pytest.raises(UserError, match=re.escape("history.sqlite: no history yet; perfkit run starts one")):
        open_existing_history(tmp_path)
    assert not list(tmp_path.iterdir())
    open_history(tmp_path / "new").close()
    open_existing_history(tmp_path / "new").close()
    monkeypatch.setenv(location.VARIABLE, "none")
    with pytest.raises(UserError, match=r"switched off \(PERFKIT_HISTORY=none\)"):
        open_history(tmp_path)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://me:secret@host/db", "PERFKIT_HISTORY: 'mysql' is no place for a history"),
        ("me:secret@host", "PERFKIT_HISTORY: 'me:secret' is no place"),
        (
            "postgresql+psycopg://me:secret@127.0.0.1:1/db",
            "the history in postgresql+psycopg://me:***@127.0.0.1:1/db",
        ),
        ("sqlite:////proc/nowhere/history.sqlite", "the history can't be made: "),
    ],
)
def test_a_place_that_is_none_is_told_in_a_line(url: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(location.VARIABLE, url)
    with pytest.raises(UserError, match=re.escape(message)) as raised:
        open_history(NOWHERE)
    assert "secret@" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_no_database_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(location.VARIABLE, raising=False)
    (tmp_path / "history.sqlite").write_text("not a database, but a letter to a friend" * 30)
    with pytest.raises(UserError, match=r"history\.sqlite: file is not a database"):
        open_history(tmp_path)
    assert (tmp_path / "history.sqlite").read_text().startswith("not a database")


def test_a_driver_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(location.VARIABLE, "postgresql+psycopg://127.0.0.1:1/db")
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(UserError, match=re.escape("pip install 'perfkit[history]'")):
        open_history(NOWHERE)
