"""perfkit in Python."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import perfkit
from perfkit.cli import main
from tests.cli.test_app import HEAVY
from tests.support import case, make_run, program_environment, slowed, usual_times, write_run

HURT = case("trt-int8")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def promoted() -> Path:
    for day in (1, 2, 3):
        write_run(Path("before"), day=day)
    assert main(["promote", "before"]) == 0
    return Path("results/baselines/made-up-gpu-x1-80gib.json")


def regressed() -> Path:
    return write_run(Path("after"), slowed(usual_times(), HURT, 1.3), day=9)


def test_every_name_that_is_promised_is_there() -> None:
    assert list(perfkit.__all__) == sorted(perfkit.__all__)
    for name in perfkit.__all__:
        assert getattr(perfkit, name).__name__ == name
    assert set(perfkit.__all__) <= set(dir(perfkit))
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        perfkit.nonsense  # type: ignore[attr-defined] # noqa: B018


def test_the_page_lists_the_names_that_are_promised_and_each_says_what_it_is() -> None:
    page = (Path(__file__).parents[1] / "docs" / "python.md").read_text("utf-8")
    _, _, table = page.partition("| --- | --- |\n")
    table, _, _ = table.partition("\n\n")
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")]
    listed = [name for cell in cells for name in re.findall(r"`(\w+)", cell)]
    assert sorted(listed) == list(perfkit.__all__)
    for name in listed:
        about = getattr(perfkit, name).__doc__
        assert about, name
        assert not about.startswith(f"{name}("), f"{name} has the docstring that dataclasses make up"


def test_the_examples_need_only_modules_that_are_promised() -> None:
    root = Path(__file__).parents[1]
    examples = [*(root / "examples").rglob("*.py"), root / "docs" / "own-models.md"]
    text = "\n".join(path.read_text("utf-8") for path in examples)
    assert not re.search(r"^import perfkit\.", text, re.MULTILINE)
    needed: dict[str, set[str]] = {}
    for module, names in re.findall(r"^from (perfkit\.\S+) import (.+)$", text, re.MULTILINE):
        needed.setdefault(module, set()).update(names.split(", "))
    promised = promised_of_modules()
    assert needed.keys() == promised.keys()
    assert all(names <= set(promised[module]) for module, names in needed.items())


def test_the_names_of_modules_that_are_promised_are_their_own() -> None:
    for module, names in promised_of_modules().items():
        found = import_module(module)
        assert names == sorted(names)
        for name in names:
            assert name in vars(found), f"{module}.{name}"
            assert getattr(vars(found)[name], "__module__", module) in (module, "builtins"), f"{module}.{name}"


def promised_of_modules() -> dict[str, list[str]]:
    page = (Path(__file__).parents[1] / "docs" / "python.md").read_text("utf-8")
    _, _, table = page.partition("| module | names |\n| --- | --- |\n")
    rows = re.findall(r"^\| `(perfkit\.[\w.]+)` \| (.+) \|$", table, re.MULTILINE)
    return {module: re.findall(r"`(\w+)`", names) for module, names in rows}


def test_a_run_is_compared_as_the_command_does(promoted: Path) -> None:
    run, baseline = perfkit.load_run(regressed()), perfkit.load_baseline(promoted)
    judgement = perfkit.compare(baseline, run)
    assert [row.case for row in judgement.rows if row.verdict is perfkit.Verdict.REGRESSED] == [HURT]
    assert judgement.exit_code is perfkit.ExitCode.FAIL
    assert judgement == perfkit.compare("auto", regressed())
    assert judgement == perfkit.compare(str(promoted), run[0])
    assert {row.verdict for row in perfkit.compare(None, run).rows} == {perfkit.Verdict.NEW}


def test_limits_and_waivers_are_the_projects(promoted: Path) -> None:
    Path("perfkit-waivers.toml").write_text(
        '[[waiver]]\ncase = "*"\nmetric = "*"\nsize = "50%"\nowner = "ana"\nreason = "r"\nexpires = 2031-01-01\n'
    )
    run = perfkit.load_run(regressed())
    assert perfkit.compare(promoted, run).exit_code is perfkit.ExitCode.PASS
    assert perfkit.compare(promoted, run, project=None).exit_code is perfkit.ExitCode.FAIL
    Path("elsewhere").mkdir()
    assert perfkit.compare(promoted, run, project="elsewhere").exit_code is perfkit.ExitCode.FAIL


def test_auto_needs_a_run_and_a_baseline(promoted: Path) -> None:
    run = make_run(day=9)
    assert perfkit.load_baseline(run=run).source == str(promoted)
    with pytest.raises(perfkit.UserError, match="'auto' means the baseline of a run's hardware"):
        perfkit.load_baseline()
    with pytest.raises(perfkit.UserError, match="no baseline of this hardware in elsewhere/baselines"):
        perfkit.load_baseline(run=[run], results="elsewhere")
    with pytest.raises(perfkit.UserError, match=r"nothing\.json: cannot be read"):
        perfkit.load_run("nothing.json")
    with pytest.raises(perfkit.UserError, match="no run to judge"):
        perfkit.compare(promoted, [])


def test_a_judgement_is_a_table_of_cases(promoted: Path) -> None:
    table = perfkit.to_pandas(perfkit.compare(promoted, regressed()))
    assert len(table) == 12
    assert table.index.names == ["model", "variant", "shape"]
    row = table.loc[tuple(HURT)]
    assert row["verdict"] == "REGRESSED"
    assert row["device_speedup"] == pytest.approx(5 / 1.3, rel=0.01)
    assert row["device_speedup_baseline"] == pytest.approx(5, rel=0.01)
    assert row["device_time_s_change_pct"] == pytest.approx(30, abs=0.5)
    assert table["verdict"].value_counts().to_dict() == {"PASS": 11, "REGRESSED": 1}


def test_runs_and_baselines_are_tables_of_replicates(promoted: Path) -> None:
    table = perfkit.to_pandas(perfkit.load_baseline(promoted))
    assert len(table) == 3 * 12
    assert table["datetime"].dt.day.unique().tolist() == [1, 2, 3]
    times = table[table["variant"] == "trt-fp16"].groupby("model")["device_time_s"].median()
    assert times["resnet50"] == pytest.approx(2e-3, rel=0.01)
    runs = perfkit.load_run("before")
    assert len(perfkit.to_pandas(runs)) == len(table)
    assert list(perfkit.to_pandas(runs[0]).columns) == list(table.columns)
    assert len(perfkit.to_pandas([])) == 0


def test_the_pages_example_does_what_it_shows(promoted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert promoted.exists()
    page = (Path(__file__).parents[1] / "docs" / "python.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    (folder,) = re.findall(r'load_run\("(.*?)"\)', example)
    write_run(Path(folder), slowed(usual_times(), HURT, 1.3), day=9)
    capsys.readouterr()
    exec(example, {})  # noqa: S102
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("1 REGRESSED, 11 PASS 1")
    assert second.startswith(f"{HURT} its time +30")


def test_without_pandas_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(perfkit.UserError, match=r"^to_pandas\(\) needs pandas: pip install 'perfkit\[pandas\]'$"):
        perfkit.to_pandas([make_run()])


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import perfkit", {*HEAVY, "pydantic", "typer", "pandas", "perfkit.api", "perfkit.errors"}),
        ("from perfkit import *", {*HEAVY, "typer", "pandas"}),
        ("import perfkit; perfkit.compare(None, sys.argv[1])", {*HEAVY, "typer", "pandas"}),
    ],
)
def test_nothing_is_imported_before_it_is_needed(code: str, unwanted: set[str]) -> None:
    run = str(write_run(Path("run")))
    check = f"import sys; {code}; print(*sorted(set(sys.modules) & {unwanted!r}))"
    done = subprocess.run(
        [sys.executable, "-c", check, run], env=program_environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
