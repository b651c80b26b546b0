"""Where the history is; no SQLAlchemy here, so that switching it off costs nothing."""

from __future__ import annotations

import os
from pathlib import Path

from perfkit.errors import UserError

VARIABLE = "PERFKIT_HISTORY"
OFF = "none"
FILE = "history.sqlite"
"""Below the results folder."""
_SQLITE, _POSTGRESQL = "sqlite:///", "postgresql+psycopg://"


def history_url(results: Path) -> str | None:
    """The database's URL: what the variable says, else a file below `results`; None where it is switched off.

    Raises UserError for a URL of a database that the history can't be kept in.
    """
    told = os.environ.get(VARIABLE, "")
    if told == OFF:
        return None
    if not told:
        return f"{_SQLITE}{results / FILE}"
    if not told.startswith((_SQLITE, _POSTGRESQL)):
        scheme = told.partition("://")[0].partition("@")[0]
        raise UserError(
            f"{VARIABLE}: {scheme!r} is no place for a history; give {_POSTGRESQL}..., {_SQLITE}FILE, {OFF}"
        )
    return told


def wanted_url(results: Path) -> str:
    """The same. Raises UserError where it is switched off, too."""
    url = history_url(results)
    if url is None:
        raise UserError(f"the history is switched off ({VARIABLE}={OFF}); unset the variable")
    return url


def needed_url(results: Path) -> str:
    """The same. Raises UserError where there is no history, too."""
    url = wanted_url(results)
    if existing_url(results) is None:
        file = _file(url)
        raise UserError(f"{file}: no history yet; perfkit run starts one, perfkit history add RUN adds what was kept")
    return url


def existing_url(results: Path) -> str | None:
    """The same where there is a history to ask: None where it is switched off, too, and where its file isn't there.

    Raises UserError like :func:`history_url`.
    """
    url = history_url(results)
    if url is None or not url.startswith(_SQLITE):
        return url
    return url if _file(url).is_file() else None


def _file(url: str) -> Path:
    return Path(url.removeprefix(_SQLITE).partition("?")[0])
