from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from perfkit import __version__
from perfkit.cli import main
from perfkit.cli.app import _COMMANDS
from perfkit.exit_codes import ExitCode
from tests.support import INPUTS, program_environment, write_run

DOCS = Path(__file__).parents[2] / "docs"


def test_the_exit_codes_are_the_contract() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "PASS": 0,
        "FAIL": 1,
        "USAGE": 4,
        "NOT_JUDGED": 10,
        "INCONCLUSIVE": 11,
    }


@pytest.mark.case("C14")
def test_help_lists_commands_and_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in _COMMANDS:
        assert re.search(rf"^  {command} ", shown, re.MULTILINE)
    for code in ExitCode:
        assert re.search(rf"^ +{int(code)}  {re.escape(code.meaning)}$", shown, re.MULTILINE)


@pytest.mark.case("C14")
def test_the_document_lists_every_exit_code_with_its_meaning() -> None:
    document = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    # Behind a semicolon the page may say more.
    listed = re.findall(r"^\| (\d+) \| ([^;|]+)(?:;[^|]*)? \|$", document, re.MULTILINE)
    assert listed == [(str(int(code)), code.meaning) for code in ExitCode]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"perfkit {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing command"),
        (["nonsense"], f"No such command 'nonsense'; there are {', '.join(_COMMANDS)}. (see perfkit --help)"),
        (["compare"], "Missing argument"),
        (["compare", "a"], "Missing argument"),
        (["compare", "a", "b", "c"], "unexpected extra argument"),
        (["compare", "a", "b", "--format", "html"], "'html' is not one of"),
        (["compare", "a", "b", "--nonsense"], "No such option"),
        (["report"], "give the run files or folders to show, or --trend"),
        (["promote"], "Missing argument"),
        (["promote", "a.json", "--force"], "--force needs --reason"),
        (["baseline"], "Missing command"),
        (["baseline", "show"], "no baseline in results/baselines; perfkit promote makes one"),
        (["baseline", "prune", "a.json"], "nothing to prune"),
        (["waivers"], "Missing command"),
        (["waivers", "check", "here.json"], "here.json: cannot be read"),
        (["compare", "nothing.json", "here.json"], "here.json: cannot be read"),
    ],
)
def test_wrong_usage_is_one_line_and_code_4(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("perfkit: ")
    assert shown.err.count("\n") == 1
    assert message in shown.err


def test_a_message_carries_no_control_characters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(write_run(tmp_path).read_text()) | {"version": "9\x1b[2J"}
    (tmp_path / "hostile.json").write_text(json.dumps(data))
    assert main(["report", str(tmp_path / "hostile.json")]) == ExitCode.USAGE
    assert "pytest-benchmark 9\\x1b[2J" in capsys.readouterr().err


def test_any_other_exception_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_path: Path) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("perfkit.cli.compare.read_runs", fails)
    with pytest.raises(ZeroDivisionError):
        main(["compare", "a", "b"])


def test_an_interrupt_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("perfkit.cli.compare.read_runs", interrupted)
    assert main(["compare", "a", "b"]) == 130


HEAVY = (
    *("torch", "torchvision", "numpy", "pandas", "scipy", "pytest", "openvino", "skimage"),
    *("sqlalchemy", "alembic", "ruptures"),
    *("altair", "jinja2", "pyarrow", "vl_convert"),
)


@pytest.mark.parametrize(
    "code",
    [
        "import perfkit.judge.compare, perfkit.judge.promotion",
        "import perfkit.report.terminal, perfkit.report.markdown, perfkit.report.json_",
        "from perfkit.cli import main; assert main(['compare', *sys.argv[1:3]]) == 1",
        "from perfkit.cli import main; assert main(['report', *sys.argv[1:3]]) == 0",
        "from perfkit.cli import main; assert main(['--version']) == 0",
        "from perfkit.cli import main; assert main(['promote', sys.argv[2], '--results', sys.argv[3]]) == 0",
        "from perfkit.cli import main; assert main(['baseline', 'show', sys.argv[1]]) == 0",
        "from perfkit.cli import main; assert main(['waivers', 'check']) == 0",
        "import perfkit.cli.engines, perfkit.store.engine_store, perfkit.store.archive",
        "import perfkit.cli.history, perfkit.cli.trends, perfkit.cli.bisect, perfkit.cli.import_",
        "from perfkit.cli import main; assert main(['history', '--help']) == 0",
    ],
)
def test_nothing_heavy_is_imported(code: str, tmp_path: Path) -> None:
    base, current = str(INPUTS / "C11" / "baseline"), str(INPUTS / "C11" / "current")
    check = f"import sys; {code}; print(*sorted(set(sys.modules) & {set(HEAVY)!r}), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", check, base, current, str(tmp_path)],
        env=program_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.strip() == ""


def test_the_list_of_commands_imports_none_of_them() -> None:
    """Nor does a shell that completes a name: it asks each time the key is pressed."""
    code = (
        "import sys; from perfkit.cli import main; main(['--help']); "
        "assert not set(sys.modules) & {'pydantic', 'perfkit.cli.compare', 'perfkit.judge'}"
    )
    subprocess.run([sys.executable, "-c", code], env=program_environment(), stdout=subprocess.DEVNULL, check=True)


def test_reports_and_promoting_do_without_the_engine_store() -> None:
    """Only --anonymize asks where its folder is; its locks take a twentieth of all that a report imports."""
    code = (
        "import sys, perfkit.cli.report, perfkit.cli.promote; "
        "assert not set(sys.modules) & {'perfkit.store', 'filelock'}"
    )
    subprocess.run([sys.executable, "-c", code], env=program_environment(), check=True)


def test_reports_do_without_rich() -> None:
    """Importing it takes a fifth of the time that a comparison may take."""
    code = "import sys, perfkit.report.terminal; assert 'rich' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], env=program_environment(), check=True)


def test_the_module_is_the_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "perfkit", "compare", *["nothing"] * 2],
        env=program_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.USAGE
    assert done.stderr == "perfkit: nothing: cannot be read: No such file or directory\n"


def test_output_survives_an_encoding_without_symbols() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "perfkit", "report", str(INPUTS / "C11" / "current")],
        env={**program_environment(), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"+ NEW" in done.stdout
