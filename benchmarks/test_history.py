"""Whether the history answers at once after years: made-up nights are imported, then every command is timed.

Forty nights of fifty cases by default; ``PERFKIT_HISTORY_NIGHTS=1095 PERFKIT_HISTORY_CASES=500`` are three years of
five and a half million measurements. It measures no model, so it runs where it is asked for by name: ``pytest
benchmarks/test_history.py``, on SQLite, and on PostgreSQL where PERFKIT_TEST_POSTGRESQL names a server. With
PERFKIT_HISTORY_RECORD=FILE it adds what it found to that file; docs/scripts/history_tables.py makes a table of it.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.history_data import METRICS, nights, run_file
from perfkit.history.location import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = "PERFKIT_TEST_POSTGRESQL"
NIGHTS, CASES = (int(os.environ.get(f"PERFKIT_HISTORY_{name}", few)) for name, few in (("NIGHTS", 40), ("CASES", 50)))
CASE = "model_000/onnx-trt-fp16/1x3x224x224"
"""The second of a hundred: it drifts."""
COMMANDS = {
    "history CASE": ["history", CASE],
    "history CASE --metric layers": ["history", CASE, "--metric", "layers"],
    "history CASE --csv": ["history", CASE, "--csv"],
    "history CASE --json": ["history", CASE, "--json"],
    "history CASE --parquet FILE": ["history", CASE, "--parquet", "out.parquet"],
    "history 'model_000/*'": ["history", "model_000/*"],
    "history '*'": ["history", "*"],
    "trends": ["trends"],
    "trends --metric 'wall time'": ["trends", "--metric", "wall time"],
    "history add FILE, one more night": ["history", "add"],
}
REPEATS = 5


@pytest.fixture(autouse=True)
def _by_name(pytestconfig: pytest.Config) -> None:
    if not any(Path(__file__).name in str(argument) for argument in pytestconfig.invocation_params.args):
        pytest.skip("it measures no model: run it by name, pytest benchmarks/test_history.py")


@pytest.fixture(params=["sqlite", "postgresql"])
def history_url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty database of its own, which the commands find by the variable."""
    if request.param == "sqlite":
        monkeypatch.setenv(VARIABLE, url := f"sqlite:///{tmp_path}/kept/history.sqlite")
        yield url
        return
    if SERVER not in os.environ:
        pytest.skip(f"{SERVER} isn't set: eval with .ci/postgresql start FOLDER")
    import sqlalchemy as sa

    server, name = sa.make_url(os.environ[SERVER]), f"perfkit_years_{os.getpid()}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    monkeypatch.setenv(VARIABLE, url := server.set(database=name).render_as_string(hide_password=False))
    yield url
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


def test_years(history_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Imports, then asks; every answer has to be right, how long it took is printed."""
    from perfkit.history.add import Added, Entry, add_runs
    from perfkit.history.database import open_history

    made: dict[str, float] = {}
    found: dict[str, list[list[float]]] = {}
    with open_history(tmp_path) as history:
        entries = (Entry(run, {s.case: "PASS" for s in run.replicate.samples}) for run in counted(made))
        added, took_s, cpu_s = timed(lambda: add_runs(history, entries))
        assert added == Added(NIGHTS, 0)
        found["import"] = [[took_s - made["s"], cpu_s - made["cpu_s"]]]
    for name, arguments in COMMANDS.items():
        for number in range(REPEATS):
            given = [*arguments, one_more_night(tmp_path, number)] if arguments[-1] == "add" else arguments
            shown, *seconds = timed(lambda given=given: command(given, tmp_path))
            assert answers_rightly(name, shown)
            found.setdefault(name, []).append(seconds)
    record = described(history_url) | {"seconds": {name: rounded(all_s) for name, all_s in found.items()}}
    with capsys.disabled():
        for name, all_s in found.items():
            wall_s, cpu_s = (median(times) for times in zip(*all_s, strict=True))
            line = f"\n{record['database']}: {name}: {wall_s:.2f} s ({cpu_s:.2f} s CPU)"
            print(line, end="")  # noqa: T201 - people read it
    if target := os.environ.get("PERFKIT_HISTORY_RECORD"):
        keep(Path(target), record)


def counted(made: dict[str, float]) -> Iterator[Any]:
    """The nights, with the seconds that making them up took, which are no part of importing."""
    made["s"] = made["cpu_s"] = 0.0
    runs = nights(NIGHTS, CASES)
    while True:
        run, took_s, cpu_s = timed(lambda: next(runs, None))
        made["s"] += took_s
        made["cpu_s"] += cpu_s
        if run is None:
            return
        yield run


def one_more_night(folder: Path, number: int) -> str:
    """A whole run file, as pytest-benchmark saves it."""
    path = folder / f"more-{number}.json"
    path.write_text(json.dumps(run_file(CASES, dt.date(2040, 1, 1 + number))), "utf-8")
    return path.name


def timed(act: Any) -> tuple[Any, float, float]:
    """What it returns, its seconds, and the processor's of this process and of the ended ones that it started."""
    started, times = time.perf_counter(), os.times()
    result = act()
    took_s, ended = time.perf_counter() - started, os.times()
    return result, took_s, sum(ended[:4]) - sum(times[:4])


def rounded(all_s: list[list[float]]) -> list[list[float]]:
    return [[round(s, 3) for s in pair] for pair in all_s]


def command(arguments: list[str], folder: Path) -> str:
    """What a command prints, in a process of its own as a user starts it."""
    environment = {**os.environ, "COLUMNS": "200"}
    # Bytecode is kept, as an installation by pip keeps it: this is no measurement of Python's compiler.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-m", "perfkit", *arguments],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def answers_rightly(name: str, shown: str) -> bool:
    """What of the made-up years has to be in the answer: a step and a drift in a hundred cases each."""
    if name.startswith("trends"):
        return "step" in shown and "drift" in shown
    if name.startswith("history add"):
        return shown.startswith("1 added to ")
    if name == "history '*'":
        return len(shown.splitlines()) == CASES + 2
    return CASE in shown or "onnx-trt-fp16" in shown or name.endswith("FILE")


def described(url: str) -> dict[str, Any]:
    """The machine, versions, the date and the size."""
    libraries = ("perfkit", "sqlalchemy", "psycopg", "numpy", "ruptures", "pyarrow")
    database = "PostgreSQL" if url.startswith("postgresql") else "SQLite"
    return {
        "database": database,
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": f"{processor()} x{os.cpu_count()}",
        "load_average": round(os.getloadavg()[0], 1),
        "software": {"python": platform.python_version(), **{name: version(name) for name in libraries}}
        | {database: server_version()},
        "nights": NIGHTS,
        "cases": CASES,
        "measurements": NIGHTS * CASES * METRICS,
    }


def server_version() -> str:
    from perfkit.history.database import open_history

    with open_history(Path(os.environ[VARIABLE])) as history, history.reading() as connection:
        return ".".join(str(part) for part in connection.dialect.server_version_info or ())


def processor() -> str:
    from perfkit.measure.machine import cpu_name

    return cpu_name()


def keep(path: Path, record: dict[str, Any]) -> None:
    """One entry a database, the newest."""
    known = json.loads(path.read_text("utf-8"))["records"] if path.is_file() else []
    records = [entry for entry in known if entry["database"] != record["database"]] + [record]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"records": records}, indent=1) + "\n", "utf-8")
