"""The one error that a user can mend: a line that says what is wrong, where, and what to do; others in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.credentials import without_credentials

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_REASON = 300


class UserError(Exception):
    """Wrong usage or unreadable input.

    Raised anywhere, caught once by the command line (exit code 4) and once by the pytest plugin
    (``pytest.UsageError``, exit code 4 as well). Every other exception is a bug and keeps its
    traceback.
    """


def few(texts: Sequence[str], most: int, separator: str = ", ") -> str:
    """The first of them, and how many more there are: what may be hundreds of cases stays one line to read."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return f"{separator.join(texts[:most])}{more}"


def reason_of(error: BaseException) -> str:
    """The first telling line of an exception without credentials, as a reason in one line of at most 300 characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = f"{type(error).__name__}: {without_credentials(lines[0])}" if lines else type(error).__name__
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 3] + "..."
