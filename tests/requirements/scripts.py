"""The scripts beside the locks, which are in no package, and programs in the place of those that they start."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    import pytest

FOLDER = Path(__file__).parents[2] / "requirements"
_SAYING = """import os, sys
sys.stdout.write(os.environ["FAKE_OUT"])
sys.stderr.write(os.environ["FAKE_ERR"])
sys.exit(int(os.environ["FAKE_CODE"]))
"""


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, name, module)  # a NamedTuple's annotations are looked up there
    specification.loader.exec_module(module)
    return module


def put_in_place(package: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``python -m package`` says and does what `says` was told."""
    (folder / package).mkdir()
    (folder / package / "__init__.py").touch()
    (folder / package / "__main__.py").write_text(_SAYING)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def says(monkeypatch: pytest.MonkeyPatch, out: str, error: str = "", code: int = 0) -> None:
    for name, value in (("OUT", out), ("ERR", error), ("CODE", str(code))):
        monkeypatch.setenv(f"FAKE_{name}", value)
