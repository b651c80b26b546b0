"""The history's database goes in the middle of an import: nothing lost, nothing twice, and one line says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from perfkit.catalog.case import CaseId
from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.history.location import VARIABLE
from tests.faults.postgresql import Server
from tests.support import GPU, SHAPE, plain_data, program_environment, write_run

if TYPE_CHECKING:
    from collections.abc import Iterator

NIGHTS = 6
MOMENTS = [("hardware", 1, 1), ("runs", 2, 1), ("measurements", 2, 1), ("measurements", 4, 2), ("runs", 6, 4)]
"""A table that is being written, how many runs the transaction sees then, and how many others have kept before it."""
STATEMENTS = 35
"""Of an import into a new history in SQLite, its tables included, at the least."""
RANDOM_KILLS = 40


_SLEEP = """
CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF (SELECT count(*) FROM runs) >= {runs} THEN PERFORM pg_sleep(60); END IF; RETURN NULL; END $$;
CREATE TRIGGER sleep AFTER INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION sleep();
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if not any(Path("/usr/lib/postgresql").glob("*/bin")):
        pytest.skip("PostgreSQL isn't installed; .ci/postgresql start FOLDER does so as root")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the server runs as another user
        found = Server(Path(folder) / "server")
        yield found
        found.stop()


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files of nights that have hardware, software and a case of their own, and a case that all have."""
    monkeypatch.chdir(tmp_path)
    found = []
    for day in range(1, NIGHTS + 1):
        cases = [CaseId("shared", "trt-fp16", SHAPE), CaseId(f"own{day}", "trt-fp16", SHAPE)]
        hardware = GPU.model_copy(update={"memory_gib": 80 + day})
        times = dict.fromkeys(cases, (0.004, 0.001 * day))
        path = write_run(Path("nights"), times, day=day, rounds=5, hardware=hardware, software={"torch": f"2.{day}"})
        found.append(str(path))
    return found


def everything(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    """All numbers of all cases, without what a database numbers by itself."""
    capsys.readouterr()
    assert main(["history", "*", "--metric", "wall time", "--json"]) == ExitCode.PASS
    series = json.loads(capsys.readouterr().out)["series"]
    return sorted(series, key=json.dumps)


@pytest.fixture
def undisturbed(nights: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[Any]:
    """What the history has that nothing happened to."""
    monkeypatch.setenv(VARIABLE, f"sqlite:///{Path('undisturbed.sqlite').absolute()}")
    assert main(["history", "add", *nights]) == ExitCode.PASS
    found = everything(capsys)
    assert sum(len(one["points"]) for one in found) == 2 * NIGHTS
    return found


@pytest.mark.parametrize("moment", range(len(MOMENTS)))
def test_postgresql_ends_in_the_middle_of_an_import(
    moment: int,
    server: Server,
    nights: list[str],
    undisturbed: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table, runs, whole = MOMENTS[moment]
    monkeypatch.setattr("perfkit.history.add.RUNS_A_TRANSACTION", 2)
    monkeypatch.setenv(VARIABLE, url := server.new_database(f"moment_{moment}"))
    assert main(["history", "add", nights[0]]) == ExitCode.PASS
    execute(url, _SLEEP.format(table=table, runs=runs))
    capsys.readouterr()
    crashing = server.crash_in_the_transaction()
    assert main(["history", "add", *nights]) == ExitCode.USAGE
    crashing.join()
    one_line(capsys)
    assert main(["history", "add", *nights]) == ExitCode.USAGE, "while it is down"
    assert "refused" in one_line(capsys)
    server.restart()
    execute(url, f"DROP TRIGGER sleep ON {table}")
    assert main(["history", "add", *nights]) == ExitCode.PASS
    told = capsys.readouterr().out
    assert told.startswith(f"{NIGHTS - whole} added to ")
    assert told.endswith(f", {whole} known already\n")
    assert everything(capsys) == undisturbed


def test_postgresql_ends_while_a_run_is_kept(
    server: Server, nights: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run has long been saved: a warning says what to do, and later it is done."""
    monkeypatch.setenv(VARIABLE, url := server.new_database("kept"))
    assert main(["history", "add", nights[0]]) == ExitCode.PASS
    execute(url, _SLEEP.format(table="measurements", runs=2))
    Path("theirs.json").write_text(json.dumps(plain_data({CaseId("shared", "torch", SHAPE): 1e-3})), "utf-8")
    capsys.readouterr()
    crashing = server.crash_in_the_transaction()
    assert main(["import", "theirs.json"]) == ExitCode.PASS
    crashing.join()
    line = one_line(capsys)
    assert line.startswith("perfkit: not added to the history: the history in postgresql+psycopg://")
    assert line.endswith("; perfkit history add does it later")
    server.restart()
    execute(url, "DROP TRIGGER sleep ON measurements")
    (imported,) = Path("results/imported").iterdir()
    assert main(["history", "add", str(imported)]) == ExitCode.PASS
    assert capsys.readouterr().out.startswith("1 added to ")
    assert len(everything(capsys)) == 3


@pytest.mark.parametrize(
    ("forbidden", "told"),
    [
        ("ALTER DATABASE {name} SET default_transaction_read_only = on", "read-only transaction"),
        ("CREATE ROLE {name} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}", "permission denied"),
    ],
)
def test_a_postgresql_that_is_only_to_be_read(
    forbidden: str,
    told: str,
    server: Server,
    nights: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A standby, or an account without more rights: it is asked as ever, and takes nothing."""
    name = f"only_{told.partition(' ')[0].replace('-', '_')}"
    url = server.new_database(name)
    monkeypatch.setenv(VARIABLE, url)
    assert main(["history", "add", nights[0]]) == ExitCode.PASS
    before = everything(capsys)
    execute(url, forbidden.format(name=name))
    if "ROLE" in forbidden:
        url = sa.make_url(url).set(username=name).render_as_string(hide_password=False)
        monkeypatch.setenv(VARIABLE, url)
    assert main(["history", "add", nights[1]]) == ExitCode.USAGE
    assert told in one_line(capsys)
    assert everything(capsys) == before


def test_an_sqlite_file_that_is_only_to_be_read(
    nights: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a disk that is, for root writes to any other file."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    folder = Path("disk")
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no file system of its own can be mounted here")
    try:
        monkeypatch.setenv(VARIABLE, f"sqlite:///{folder.absolute()}/history.sqlite")
        assert main(["history", "add", nights[0]]) == ExitCode.PASS
        before = everything(capsys)
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        assert main(["history", "add", nights[1]]) == ExitCode.USAGE
        assert "attempt to write a readonly database" in one_line(capsys)
        assert everything(capsys) == before
    finally:
        subprocess.run(["umount", str(folder)], check=True)


KILLED = """
import json, os, random, shutil, signal, sys, time
import sqlalchemy as sa
from perfkit.cli import main
import alembic.command, perfkit.cli.history.add_, perfkit.cli.history.show_, perfkit.history.add, perfkit.report.history

files, random_kills = sys.argv[2:], int(sys.argv[1])
VARIABLE = "PERFKIT_HISTORY"

def forked(act, out):
    child = os.fork()
    if child == 0:
        sys.stdout = sys.stderr = open(out, "w")
        try:
            code = act()
        except BaseException as error:
            print(repr(error))
            code = 99
        sys.stdout.flush()
        os._exit(code)
    return child

def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def dying_at(number):
    done = 0
    @sa.event.listens_for(sa.Engine, "after_cursor_execute")
    def executed(*_):
        nonlocal done
        done += 1
        if done == number:
            os.kill(os.getpid(), signal.SIGKILL)
    return main(["history", "add", *files])

def added_and_shown():
    return main(["history", "add", *files]) or main(["history", "*", "--metric", "wall time", "--json"])

def shown_after(name):
    '''What the history holds once the import has been done again; None where that fails.'''
    if ended(forked(added_and_shown, f"{name}.json")):
        return None
    line, _, rest = open(f"{name}.json").read().partition("\\n")
    return sorted(json.loads(rest)["series"], key=json.dumps)

def fresh(name):
    os.environ[VARIABLE] = f"sqlite:///{os.path.abspath(name)}.sqlite"
    return name

whole = shown_after(fresh("whole"))
assert whole
wrong, statements = [], 0
while True:
    name = fresh(f"statement{statements + 1}")
    code = ended(forked(lambda: dying_at(statements + 1), f"{name}.log"))
    if code != -signal.SIGKILL:
        break
    statements += 1
    if shown_after(name) != whole:
        wrong.append(name)
started = time.perf_counter()
ended(forked(lambda: main(["history", "add", *files]), fresh("timed")))
takes_s, rng, kills = time.perf_counter() - started, random.Random(9), 0
while kills < random_kills:
    name = fresh(f"moment{kills}")
    child = forked(lambda: main(["history", "add", *files]), f"{name}.log")
    time.sleep(rng.uniform(0, takes_s))
    os.kill(child, signal.SIGKILL)
    if ended(child) == -signal.SIGKILL:
        kills += 1
        if shown_after(name) != whole:
            wrong.append(name)
    else:
        os.remove(f"{name}.sqlite")
print(json.dumps({"code": code, "statements": statements, "kills": kills, "wrong": wrong}))
"""
"""Processes that are forked, because a hundred interpreters take a minute to start."""


def test_a_process_that_imports_into_sqlite_is_killed(nights: list[str]) -> None:
    """After each of its statements, and at random moments; a run is whole then, or not there."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(RANDOM_KILLS), *nights[:2]],
        env=program_environment(),
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["code"] == 0, "the last one was killed after no statement"
    assert told["wrong"] == []
    assert told["statements"] >= STATEMENTS
    assert told["kills"] == RANDOM_KILLS


def execute(url: str, statements: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(statements)


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1, told
    assert told[0].startswith("perfkit: ")
    return told[0]
