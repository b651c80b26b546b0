"""Coverage-guided fuzzing of the readers: ``python -m tests.fuzz.atheris_main all --seconds 2`` is what CI runs.

atheris starts from each reader's valid files, keeps what reaches new code, and stops at the first exception that is no
UserError, or at what takes too long or too much memory. What it stopped at lies in ``fuzz-found/`` then. It belongs
into tests/fuzz/found/READER/, where the tests read it from then on.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import random
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fuzz.readers import Reader

ALL = "all"
FOUND = Path("fuzz-found")
LONGEST_BYTES = 64 * 1024
LONGEST_S = 10
"""For one input; files of this size are read in milliseconds."""
MOST_MIB = 2048
_OWN_SHARE = 0.5
_DONE = re.compile(r"Done (\d+) runs in (\d+) second")


def main() -> int:
    """The exit code: 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("reader", help="a reader of tests/fuzz/readers.py, or all")
    parser.add_argument("--seconds", type=int, default=10, help="for each reader (default: 10)")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        if asked.reader == ALL:
            return _all(asked.seconds)
        return _one(asked.reader, asked.seconds, Path(folder))


def _all(seconds: int) -> int:
    """A process a reader, for atheris ends its own; as many at once as there are processors."""
    from tests.fuzz.readers import NAMES

    sys.stdout.write(f"atheris {version('atheris')}, Python {platform.python_version()}, {seconds} s a reader\n")
    failed = []
    executions = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, (done, took_s) in zip(NAMES, pool.map(lambda name: _process(name, seconds), NAMES), strict=True):
            found = _DONE.search(done.stderr)
            if done.returncode or found is None:
                failed.append(name)
                sys.stderr.write(done.stdout + done.stderr)
            executions += int(found[1]) if found else 0
            counted = f"{found[1]} executions in {found[2]} s" if found else f"stopped after {took_s:.0f} s"
            sys.stdout.write(f"{name}: {counted}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(NAMES)} readers: {executions} executions\n")
    if failed:
        sys.stderr.write(f"something was found in {', '.join(failed)}: see above, and {FOUND}/\n")
    return int(bool(failed))


def _process(name: str, seconds: int) -> tuple[subprocess.CompletedProcess[str], float]:
    started = time.monotonic()
    command = [sys.executable, "-m", "tests.fuzz.atheris_main", name, "--seconds", str(seconds)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    return done, time.monotonic() - started


def _one(name: str, seconds: int, folder: Path) -> int:
    import atheris

    with atheris.instrument_imports(include=["perfkit"]):
        from tests.fuzz.readers import readers
    reader = readers(folder)[name]
    corpus = _corpus(reader, name, folder)
    FOUND.mkdir(exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST_BYTES}",
        f"-timeout={LONGEST_S}",
        f"-rss_limit_mb={MOST_MIB}",
        f"-artifact_prefix={FOUND}/{name}-",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], _refusing(reader), custom_mutator=_mutator(reader))
    atheris.Fuzz()
    return 0


def _refusing(reader: Reader) -> Callable[[bytes], None]:
    from perfkit.errors import UserError

    def read(raw: bytes) -> None:
        with contextlib.suppress(UserError):
            reader.read(raw)

    return read


def _mutator(reader: Reader) -> Callable[[bytes, int, int], bytes]:
    """Changes of JSON's structure, of which atheris knows nothing, as often as its own of bytes."""
    import atheris

    from tests.fuzz.mutate import mutated

    def mutate(raw: bytes, max_bytes: int, seed: int) -> bytes:
        rng = random.Random(seed)  # noqa: S311
        if rng.random() < _OWN_SHARE:
            changed: bytes = atheris.Mutate(raw, max_bytes)
            return changed
        return mutated(raw, reader.seeds, rng)[:max_bytes]

    return mutate


def _corpus(reader: Reader, name: str, folder: Path) -> Path:
    """The valid files, and what was found before."""
    corpus = folder / "corpus"
    corpus.mkdir()
    found = sorted((Path(__file__).parent / "found" / name).glob("*"))
    for index, raw in enumerate([*reader.seeds, *(path.read_bytes() for path in found)]):
        (corpus / str(index)).write_bytes(raw)
    return corpus


if __name__ == "__main__":
    sys.exit(main())
