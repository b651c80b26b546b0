"""Writes the software bill of materials of what users install, from the locks, as CycloneDX JSON.

Usage: python requirements/sbom.py FOLDER        (tox -e sbom, which brings cyclonedx-bom)

The same locks give the same bytes. It is not committed: it holds nothing that the locks don't hold, and would double
the difference of every update. The trt extra can't be locked (pyproject.toml says why), so its packages aren't in it;
the nightly workflow keeps a list of what it found (packages.txt). A lock doesn't say which package needs which, nor
does the bill.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("cpu", "gpu")
_PIN = re.compile(r"^([a-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def make(lock: Path, *, validate: bool = True) -> str:
    """The bill of one lock, held to CycloneDX's schema, which takes seconds.

    Raises CalledProcessError where cyclonedx-py fails, ValueError where it forgets a package.
    """
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", str(lock)]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "--output-format", "JSON"]
    command += ["--validate" if validate else "--no-validate"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own interpreter
    listed = {(part["name"], part["version"]) for part in json.loads(done.stdout)["components"]}
    if listed != set(_PIN.findall(lock.read_text("utf-8"))):
        raise ValueError(f"{lock.name}: the bill and the lock have different packages")
    return done.stdout


def main(arguments: list[str]) -> int:
    """Writes cpu.cdx.json and gpu.cdx.json into the folder."""
    if len(arguments) != 1:
        sys.stderr.write("usage: sbom.py FOLDER\n")
        return 4
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name in LOCKS:
        lock = ROOT / "requirements" / f"{name}.txt"
        bill = make(lock)
        if bill != make(lock, validate=False):
            sys.stderr.write(f"sbom: {lock.name}: two runs gave two bills\n")
            return 1
        path = folder / f"perfkit-{name}.cdx.json"
        path.write_text(bill, encoding="utf-8")
        print(f"wrote {path}: {len(json.loads(bill)['components'])} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
