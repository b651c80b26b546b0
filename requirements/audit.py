"""Looks the locked packages up in the database of known vulnerabilities, with pip-audit.

Usage: python requirements/audit.py [--must-reach]        (tox -e audit, which brings pip-audit)

Ends with 0 where nothing is known that isn't accepted in accepted-vulnerabilities.toml, with 1 where something is, and
with 4 where that file can't be read. A service that can't be reached has found nothing out: that is said, and fails
with --must-reach alone. So it is where the service answers, but knows none of the packages, as the mirror of a package
index does; pip-audit itself ends with 0 then.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).resolve().parent
LOCKS = ("tox.txt", "supply.txt", "docs.txt", "release.txt", "fuzz.txt", "gpu.txt", "dev.txt")
"""The small one first: where nobody answers, it is over soon. dev.txt holds all that lint.txt and cpu.txt have."""
ACCEPTED = "accepted-vulnerabilities.toml"
LONGEST_DAYS = 180
"""Nobody remembers next year why it was harmless."""
_NO_ANSWER = ("requests.exceptions.", "ConnectionError", "ServiceError", "Timeout")


class Accepted(NamedTuple):
    """A vulnerability that somebody has looked at."""

    package: str
    identity: str
    reason: str
    expires: dt.date


class Unusable(Exception):
    """What was given can't be used; the message says in a line why."""


class Unreachable(Exception):
    """Nothing was found out; the message says in a line why."""


def read_accepted(path: Path, today: dt.date) -> list[Accepted]:
    """The entries of the file. Raises Unusable for one that lacks something or goes on for too long."""
    try:
        entries = tomllib.loads(path.read_text("utf-8")).get("accepted", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Unusable(f"{path.name}: can't be read: {error}") from error
    found = []
    for number, entry in enumerate(entries, 1):
        texts = [str(entry.get(key, "")).strip() for key in ("package", "id", "reason")]
        expires = entry.get("expires")
        if not all(texts) or set(entry) != {"package", "id", "reason", "expires"} or type(expires) is not dt.date:
            raise Unusable(f"{path.name}: entry {number} needs package, id, reason, and expires as a day, and no more")
        if expires > today + dt.timedelta(days=LONGEST_DAYS):
            raise Unusable(f"{path.name}: entry {number} expires in more than {LONGEST_DAYS} days; look at it sooner")
        found.append(Accepted(texts[0], texts[1], texts[2], expires))
    return found


def ask(lock: Path) -> list[dict[str, Any]]:
    """What pip-audit says of each package of a hashed file; nothing is resolved or installed.

    Raises Unreachable where no service answered, or one that knows none of them, and CalledProcessError for all else.
    """
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--require-hashes", "--disable-pip"]
    command += ["--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        if any(word in last for word in _NO_ANSWER):
            raise Unreachable(last) from None
        sys.stderr.write(done.stderr)
        done.check_returncode()
        raise Unusable(f"pip-audit wrote no report of {lock.name}: {last}") from None
    if packages and all("skip_reason" in package for package in packages):
        raise Unreachable(f"it knows none of the {len(packages)} packages of {lock.name}")
    return packages


def findings(packages: list[dict[str, Any]], accepted: list[Accepted], today: dt.date) -> tuple[list[str], list[str]]:
    """A line for each vulnerability that fails, and for each that is accepted."""
    failing, told = [], []
    for package in packages:
        for vulnerability in package.get("vulns", ()):
            names = [vulnerability["id"], *vulnerability.get("aliases", ())]
            fixed = ", ".join(vulnerability.get("fix_versions", ())) or "no version yet"
            line = f"{package['name']} {package['version']}: {' '.join(names)}, mended by {fixed}"
            known = [one for one in accepted if one.package == package["name"] and one.identity in names]
            live = [one for one in known if one.expires >= today]
            if live:
                told.append(f"{line}; accepted until {live[0].expires}: {live[0].reason}")
            else:
                failing.append(f"{line}{f'; its acceptance ended on {known[0].expires}' if known else ''}")
    return failing, told


def main(arguments: list[str]) -> int:
    """Audits every lock; the exit codes are told above."""
    if arguments not in ([], ["--must-reach"]):
        sys.stderr.write("usage: audit.py [--must-reach]\n")
        return 4
    today = dt.datetime.now(dt.UTC).date()
    failing: list[str] = []
    try:
        accepted = read_accepted(FOLDER / ACCEPTED, today)
        for lock in LOCKS:
            packages = ask(FOLDER / lock)
            skipped = [package["name"] for package in packages if "skip_reason" in package]
            bad, told = findings(packages, accepted, today)
            if skipped and arguments:
                bad.append(f"{lock}: not looked up: {', '.join(skipped)}")
            failing += bad
            also = f", not looked up: {', '.join(skipped)}" if skipped else ""
            print(f"{lock}: {len(packages) - len(skipped)} packages looked up{also}")
            print("".join(f"  {line}\n" for line in told), end="")
    except Unusable as error:
        sys.stderr.write(f"audit: {error}\n")
        return 4
    except Unreachable as error:
        print(f"NOT AUDITED: the service of known vulnerabilities can't be asked from here: {error}")
        failing += ["the service can't be asked, and --must-reach was given"] if arguments else []
    sys.stderr.write("".join(f"audit: {line}\n" for line in failing))
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
