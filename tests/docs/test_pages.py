"""What the pages say is what committed files and the code say."""

from __future__ import annotations

import json
import re
import runpy
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

DEMO = "cpu/2026-11-25-demo-repeats"
QUEUED_BASELINE = "h100/2026-11-25-baseline.json"
REPLAYED_BASELINE = "h100/2026-11-26-nights/baseline.json"
NIGHTS = "h100/2026-11-26-nights"


@pytest.mark.parametrize(
    "name",
    [
        "h100_nights.py",
        "results_tables.py",
        "h100_first_nights.py",
        "tensorrt_tables.py",
        "twins.py",
        "levels.py",
        "many_slowed.py",
        "rebuilds.py",
        "dynamism.py",
        "throughput.py",
        "writeup.py",
        "calibration_engines.py",
        "engine_streams.py",
        "calibration_methods.py",
        "cpu_settling.py",
        "cpu_placement.py",
        "cpu_page_faults.py",
        "cpu_spread.py",
        "int8_agreement.py",
        "study.py",
        "outcomes.py",
        "detectable.py",
        "modes.py",
        "spent.py",
        "spreads.py",
        "judge_cost.py",
        "graph_memory.py",
        "hardware_queues.py",
        "launch_gaps.py",
        "drift.py",
        "drills.py",
        "reports.py",
        "history_tables.py",
        "fault_counts.py",
        "fleet_tables.py",
        "fleet_gpus.py",
        "host_threads.py",
        "two_gpus.py",
        "soak.py",
        "export_leak.py",
        "own_speed.py",
        "own_profile.py",
        "side_by_side.py",
    ],
)
def test_tables_come_from_committed_records(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs" / "scripts")
    script = runpy.run_path(str(ROOT / "docs" / "scripts" / name))
    assert script["main"]() == script["PAGE"].read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("h100-replayed", "resnet18/trt-fp16/1x3x224x224"),
        ("h100-graphs", None),
        ("h100-repeated", None),
        ("h200-nights", None),
    ],
)
def test_a_set_of_the_study_is_of_the_committed_processes(
    name: str, without: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs" / "scripts")
    script = runpy.run_path(str(ROOT / "docs" / "scripts" / "study.py"))
    records = ROOT / "results"
    folders = [path for pattern in script["COMMITTED"][name] for path in records.glob(pattern) if path.is_dir()]
    found = script["condensed"](folders, without)
    assert found == json.loads((ROOT / "results" / "study" / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_tables_are_whole(page: Path) -> None:
    """A row that has got away from its table is shown as text, and the strict build of the pages doesn't say so."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for table in re.findall(r"(?:^\|.*\n?)+", text, flags=re.MULTILINE):
        rows = table.splitlines()
        assert len(rows) > 1 and re.fullmatch(r"\|(?: ?:?-+:? ?\|)+", rows[1]), rows[0]  # noqa: PT018 - one statement
        assert {row.replace(r"\|", "").count("|") for row in rows} == {rows[0].replace(r"\|", "").count("|")}, rows[0]


def test_what_is_where_has_every_command() -> None:
    from perfkit.cli.app import _COMMANDS

    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    (paragraph,) = re.findall(r"^\*\*`cli/`\*\*: (.*?)\n\n", text, flags=re.MULTILINE | re.DOTALL)
    assert set(_COMMANDS) <= set(re.findall(r"[a-z]+", paragraph))


def test_every_page_is_in_one_of_the_four_lists() -> None:
    """The strict build of the pages says so too; this one needs no Sphinx."""
    lists = re.findall(r"```\{toctree\}\n(.*?)```", (ROOT / "docs" / "index.md").read_text("utf-8"), flags=re.DOTALL)
    listed = [line for each in lists for line in each.splitlines() if line and not line.startswith(":")]
    pages = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert len(lists) == 4
    assert sorted(listed) == sorted(pages - {"index"})


def test_every_recipe_of_the_architecture_names_what_proves_it() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    section = text.partition("## To add …\n")[2].partition("\n## ")[0]
    recipes = re.split(r"^- ", section, flags=re.MULTILINE)[1:]
    assert len(recipes) > 8
    for recipe in recipes:
        proofs = re.findall(r"`(tests/[\w/]+\.py)`", recipe.partition("Proved by")[2])
        assert proofs, recipe
        assert [proof for proof in proofs if not (ROOT / proof).is_file()] == []


@pytest.mark.parametrize(("page", "name"), [("ci.md", "gitlab-ci.yml"), ("ci.md", "Jenkinsfile")])
def test_the_recipes_on_a_page_are_the_files(page: str, name: str) -> None:
    text = (ROOT / "examples" / "ci" / name).read_text("utf-8")
    assert f"\n{text}```\n" in (ROOT / "docs" / page).read_text("utf-8")


def test_the_tests_of_the_faults_exist() -> None:
    named = re.findall(r"`((?:tests/\w+/)?test_\w+\.py)`", (ROOT / "docs" / "reliability.md").read_text("utf-8"))
    paths = {ROOT / name if "/" in name else ROOT / "tests" / "faults" / name for name in named}
    assert [path for path in paths if not path.is_file()] == []
    assert set((ROOT / "tests" / "faults").glob("test_*.py")) <= paths, "and the page names all of them"


def test_every_option_and_exit_code_of_the_readme_exists() -> None:
    from perfkit.exit_codes import ExitCode

    text = (ROOT / "README.md").read_text("utf-8")
    options = set(re.findall(r"--perfkit-[a-z]+", text))
    source = (ROOT / "src" / "perfkit" / "plugin" / "options.py").read_text("utf-8")
    assert options
    assert all(f'"{option}"' in source for option in options)
    (listed,) = re.findall(r"\): (0 pass.*?)\n\n", text, flags=re.DOTALL)
    assert [int(code) for code in re.findall(r"\b\d+\b", listed)] == [int(code) for code in ExitCode]


@pytest.mark.parametrize(
    ("base", "run", "compared"),
    [
        (f"{DEMO}/baseline.json", f"{DEMO}/slowed-10pct", {"REGRESSED": 1, "PASS": 11}),
        (QUEUED_BASELINE, "h100/tensorrt/2026-11-25-mobilenet_v2.json.xz", {"PASS": 11, "INCONCLUSIVE": 1}),
        (QUEUED_BASELINE, "h100/tensorrt/2026-11-25-resnet50.json.xz", {"PASS": 5, "INCONCLUSIVE": 7}),
        (REPLAYED_BASELINE, f"{NIGHTS}/unchanged", {"PASS": 36}),
        (REPLAYED_BASELINE, f"{NIGHTS}/slowed-10pct", {"REGRESSED": 1, "PASS": 35}),
    ],
)
def test_what_the_pages_say_of_committed_runs(
    base: str, run: str, compared: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    """README and h100.md tell these outcomes in words; docs/study.md has a table of more."""
    from perfkit.cli import main

    results = ROOT / "results"
    plain = runpy.run_path(str(ROOT / "docs" / "scripts" / "packed.py"))["plain"]
    with plain(results / run) as unpacked:
        main(["compare", str(results / base), str(unpacked), "--format", "json"])
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert Counter(row["verdict"] for row in rows if row["compared"]) == compared


@pytest.mark.parametrize("page", ["README.md", "docs/reading-a-report.md"])
def test_the_rows_on_a_page_are_what_perfkit_prints(
    page: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from perfkit.cli import main

    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(ROOT)
    (block,) = re.findall(r"```text\n(case .*?)```", (ROOT / page).read_text("utf-8"), flags=re.DOTALL)
    main(["compare", f"results/{DEMO}/baseline.json", f"results/{DEMO}/slowed-10pct"])
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    for row in map(str.split, block.splitlines()):
        assert any(line[: len(row)] == row for line in printed), row
