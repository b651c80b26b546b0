"""What the variants that need further packages say where one isn't installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def not_installed(packages: Iterable[str], extra: str) -> str | None:
    """Why nothing can be built without the first package that is missing, and the extra that brings it.

    Nothing is imported: an engine from the store may do without.
    """
    for package in (name.partition(".")[0] for name in packages):
        if find_spec(package) is None:
            return f"{package} is not installed; pip install 'perfkit[{extra}]'"
    return None
