"""The bill of materials is written only where it has exactly what the lock has."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.requirements.scripts import FOLDER, load, put_in_place, says

if TYPE_CHECKING:
    from pathlib import Path

LOCK = """# two of one name
numpy==2.1 ; python_full_version < '3.12' \\
    --hash=sha256:00
numpy==2.2
torch==2.11.0+cpu \\
"""


def parts(*pins: tuple[str, str]) -> str:
    return json.dumps({"components": [{"name": name, "version": version} for name, version in pins]})


@pytest.mark.parametrize("missing", [None, ("numpy", "2.1"), ("torch", "2.11.0+cpu")])
def test_a_bill_that_forgets_a_package_is_none(
    tmp_path: Path, missing: tuple[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sbom = load("sbom", monkeypatch)
    put_in_place("cyclonedx_py", tmp_path, monkeypatch)
    (tmp_path / "cpu.txt").write_text(LOCK)
    pins = [("numpy", "2.1"), ("numpy", "2.2"), ("torch", "2.11.0+cpu")]
    says(monkeypatch, parts(*(pin for pin in pins if pin != missing)))
    if missing is None:
        assert json.loads(sbom.make(tmp_path / "cpu.txt"))["components"]
    else:
        with pytest.raises(ValueError, match=re.escape("cpu.txt: the bill and the lock have different packages")):
            sbom.make(tmp_path / "cpu.txt")


def test_the_bills_are_of_what_users_install(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load("sbom", monkeypatch).LOCKS == ("cpu", "gpu")
    assert all((FOLDER / f"{name}.txt").is_file() for name in ("cpu", "gpu"))
