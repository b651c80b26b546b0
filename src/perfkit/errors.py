"""The one error that a user can mend: a line that says what is wrong, where, and what to do."""

from __future__ import annotations


class UserError(Exception):
    """Wrong usage or unreadable input.

    Raised anywhere, caught once by the command line (exit code 4) and once by the pytest plugin
    (``pytest.UsageError``, exit code 4 as well). Every other exception is a bug and keeps its
    traceback.
    """
